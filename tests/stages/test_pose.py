"""Pose to person on scenes whose joints are known, through every command."""

import datasets
import numpy as np
import pytest
from toy_joints import hide, write_columns, write_table
from toy_world import JOINTS, PAIRS, toy_world
from uses import (
    PLAIN,
    TINY,
    every_command,
    same_bytes_anyhow,
    same_weights_from_the_middle,
    stored,
)

from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

OPTIONS = {"use": "pose-to-person", "options": {"width": 8, "width_d": 8, "latent": 8}}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Forty-eight scenes with joints, twice: in one table, and as files with classes."""
    root, toy = tmp_path_factory.mktemp("people"), toy_world(48, 16)
    write_table(toy, hide(toy), root / "table")
    write_columns(toy, hide(toy), root / "classes", label=True)
    return root


@pytest.fixture(scope="module")
def trained(people, tmp_path_factory):
    """A finished run on each."""
    out = tmp_path_factory.mktemp("runs")
    for name in ("table", "classes"):
        values = {**TINY, **OPTIONS, "data": str(people / name), "out": str(out / name)}
        train(TrainSettings.parse({**values, "flip": True}))
    return out


@pytest.fixture
def made(trained, people, tmp_path):
    """A function that samples from rows: settings in, the report out."""

    def run(name="table", out="made", **changes):
        values = {
            "generator": str(trained / name), "source": str(people / name), "n": 24, **PLAIN,
            "out": str(tmp_path / out),
        }  # fmt: skip
        return sample(SampleSettings.parse({**values, **changes}))

    return run


def test_joints_are_a_column_as_they_were_given_each_row_once(made, trained):
    report = made(n=48)
    generator = load_generator(str(trained / "table"), "cpu", "fp32")
    data, rows = stored(report.root, generator)
    field = generator.task.fields["keypoints"]
    assert field.names == JOINTS and field.pairs == PAIRS
    truth = hide(toy_world(48, 16))
    order = [int(np.abs(truth - row).sum(axis=(1, 2)).argmin()) for row in rows["keypoints"]]
    assert sorted(order) == list(range(48))
    np.testing.assert_allclose(rows["keypoints"], truth[order], atol=1e-3)
    captions = toy_world(48, 16).captions
    assert data["name"] == [captions[k] for k in order]
    assert "visible" not in data.column_names


def test_several_people_are_made_of_one_pose(made):
    few = made(n=96, given_again=True).root
    data = datasets.load_dataset(str(few), split="train")
    by_pose: dict = {}
    for cell, picture in zip(data["keypoints"], data["image"], strict=True):
        by_pose.setdefault(tuple(cell), []).append(np.asarray(picture, dtype=int))
    assert {len(same) for same in by_pose.values()} == {2}
    assert all((a != b).any() for a, b in by_pose.values())


def test_rows_may_be_in_another_form_than_those_of_training(made, people):
    table, columns = (
        made(source=str(people / form), out=form).root for form in ("table", "classes")
    )
    cells = [
        datasets.load_dataset(str(root), split="train")["keypoints"] for root in (table, columns)
    ]
    np.testing.assert_allclose(np.sort(cells[0], 0), np.sort(cells[1], 0), atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": None}, "give rows that have keypoints with --given"),
        ({"field": {"keypoints": "name"}}, "column 'name'"),
        ({"field": {"keypoints": "points"}}, "no column 'points'"),
    ],
)
def test_mistakes_are_told(changes, words, made):
    with pytest.raises(SynthgenError, match=words):
        made(**changes)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["table", "classes"])
def test_every_command_takes_such_a_dataset(name, made, trained, people, tmp_path, capsys):
    first = made(name, "a", images_per_shard=8, keep_rejects=True).root
    second = made(name, "b", seed=5).root
    every_command(
        first, second, trained / name, ("--real", people / name), tmp_path, capsys, "none"
    )


@pytest.mark.slow
def test_two_workers_and_a_killed_run_make_the_same_bytes(
    made, trained, people, tmp_path, commands
):
    root = made(images_per_shard=6).root
    plain = [
        "sample", "--generator", trained / "table", "--given", people / "table", "--n", 24,
        "--filters", "none", "--device", "cpu", "--precision", "fp32", "--images-per-shard", 6,
    ]  # fmt: skip
    same_bytes_anyhow(plain, root, tmp_path, commands)


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(trained, people, tmp_path):
    values = {**TINY, **OPTIONS, "data": str(people / "table"), "flip": True}
    same_weights_from_the_middle(trained / "table", values, tmp_path / "again")
