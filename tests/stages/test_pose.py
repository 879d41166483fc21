"""Pose to person on scenes whose joints are known, through every command."""

import json

import datasets
import numpy as np
import pytest
from toy_joints import hide, write_columns, write_table
from toy_world import JOINTS, PAIRS, toy_world
from uses import (
    PLAIN,
    TINY,
    command,
    every_command,
    same_weights_from_the_middle,
    stored,
)

from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.offered import load_for
from synthgen.stages.train.stage import train
from synthgen.uses.registry import find_use

OPTIONS = {
    "use": "pose-to-person", "flip": True, "options": {"width": 8, "width_d": 8, "latent": 8},
}  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Forty-eight scenes with joints, twice: in one table, and as files with classes."""
    root, toy = tmp_path_factory.mktemp("people"), toy_world(48, 16)
    write_table(toy, hide(toy), root / "table")
    write_columns(toy, hide(toy), root / "classes", label=True)
    return root


@pytest.fixture(scope="module")
def trained(people, tmp_path_factory):
    """A finished run on the table."""
    out = tmp_path_factory.mktemp("runs") / "table"
    train(TrainSettings.parse({**TINY, **OPTIONS, "data": str(people / "table"), "out": str(out)}))
    return out


@pytest.fixture
def made(trained, people, tmp_path):
    """A function that samples from rows: settings in, the report out."""

    def run(out="made", **changes):
        values = {
            "generator": str(trained), "source": str(people / "table"), "n": 24, **PLAIN,
            "out": str(tmp_path / out),
        }  # fmt: skip
        return sample(SampleSettings.parse({**values, **changes}))

    return run


def test_joints_are_a_column_as_they_were_given_each_row_once(made, trained):
    report = made(n=48)
    generator = load_generator(str(trained), "cpu", "fp32")
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


@pytest.mark.parametrize("place", [[31.0, 13.0], [16.0, 16.0]])
def test_given_joints_outside_of_the_image_are_refused(place, made, tmp_path):
    toy = toy_world(24, 16)
    joints = hide(toy)
    joints[3, :] = [*place, 1]
    folder = write_table(toy, joints, tmp_path / "rows")
    with pytest.raises(SynthgenError, match=r"joint 'top' at x .* lies outside") as why:
        made(source=str(folder))
    assert "\n" not in str(why.value)


@pytest.mark.slow
def test_every_command_takes_such_a_dataset(made, trained, people, tmp_path, capsys):
    first = made("a", images_per_shard=8, keep_rejects=True).root
    second = made("b", seed=5).root
    real = ("--real", people / "table")
    every_command(first, second, trained, real, tmp_path, capsys, "none")
    parts = json.loads((first / "report" / "metrics.json").read_text())["parts"]
    assert [each["part"] for each in parts] == ["", *JOINTS]
    assert all(each["measure"] == "PCK@0.2" and each["real_images"] for each in parts)
    assert "keypoints: bottom left (PCK@0.2)" in (first / "report" / "report.html").read_text()
    assert command("export", first, "--format", "coco", "--out", tmp_path / "coco") in (0, None)
    for folder in ("e", "coco"):  # what was exported is read again
        values = {"use": "pose-to-person", "data": str(tmp_path / folder), "min_per_class": 1}
        records, _ = load_for(TrainSettings.parse(values), find_use("pose-to-person"))
        assert records.columns["keypoints"].shape[1:] == (5, 3)
        assert set(np.unique(records.columns["keypoints"][:, :, 2])) == {0, 1}


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(trained, people, tmp_path):
    values = {**TINY, **OPTIONS, "data": str(people / "table")}
    same_weights_from_the_middle(trained, values, tmp_path / "again")
