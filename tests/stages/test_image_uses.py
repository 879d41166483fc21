"""Uses conditioned on images, on the toy world through every command."""

import json
from functools import partial

import datasets
import numpy as np
import pytest
from PIL import Image
from toy_world import (
    MASK_NAMES,
    SHAPES,
    toy_world,
    write_coco,
    write_pairs,
    write_photos,
    write_side_by_side,
    write_unpaired,
)
from uses import (
    PLAIN,
    TINY,
    command,
    every_command,
    runs_in,
    same_bytes_anyhow,
    same_weights_from_the_middle,
    sampled,
    stored,
)

from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import load_filters
from synthgen.spec.drawings import lines_agree, sketch
from synthgen.spec.fields import Image as ImageField
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.stage import train

TOY = toy_world(60, 16)
PAIR = {"options": {"width": 8, "width_d": 8}}
TWO = {"options": {"width": 8, "width_d": 8, "blocks": 1}}
USES = {
    "paired": {"use": "image-to-image", **PAIR},
    "unpaired": {"use": "image-to-image", **TWO},
    "emoji": {"use": "photo-to-emoji", "options": {"width": 8, "width_d": 8, "lr": 0.005}},
    "layout": {"use": "layout-to-photo", **PAIR},
    "sketch": {"use": "sketch-to-photo", "use_options": {"threshold": 8}, **PAIR},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The toy world in the form that each run reads."""
    root = tmp_path_factory.mktemp("toy")
    return {
        "paired": write_pairs(TOY, root / "paired", classes=True),
        "unpaired": write_unpaired(TOY, root / "unpaired", classes=True),
        "emoji": write_unpaired(TOY, root / "emoji", classes=False),
        "layout": write_coco(TOY, root / "layout"),
        "sketch": write_photos(TOY, root / "sketch"),
    }


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A function that gives the finished run of a name."""
    return runs_in(tmp_path_factory.mktemp("runs"), partial(values, data))


def values(data, name):
    return {**TINY, **USES[name], "data": str(data[name]), "min_per_class": 2}


@pytest.fixture
def made(trained, data, tmp_path):
    """A function that samples from rows: settings in, the report out."""

    def run(name, out="made", **changes):
        asked = {"n": 20, **changes}
        return sampled(trained(name), data[name], tmp_path / out, **asked)

    return run


def rows_of(trained, report, name):
    return stored(report.root, load_generator(str(trained(name)), "cpu", "fp32"))


def places(images, known):
    """Which of the ``known`` rows each image is."""
    found = {each.tobytes(): row for row, each in enumerate(known)}
    return [found[each.tobytes()] for each in images]


def test_the_source_is_a_column_and_its_class_the_label(made, trained):
    report = made("paired")
    found, rows = rows_of(trained, report, "paired")
    of = places(rows["source"], TOY.twins)
    assert len(set(of)) == 20, "each row is given once"
    named = [found.features["label"].names[label] for label in found["label"]]
    assert named == [SHAPES[TOY.labels[row]] for row in of]
    assert (rows["image"] != rows["source"]).any()


def test_two_folders_without_a_common_name_are_no_pairs(made, trained, data, capsys):
    report = made("unpaired")
    found, rows = rows_of(trained, report, "unpaired")
    of = places(rows["source"], TOY.twins)
    assert len(set(of)) == 20 and {row % 2 for row in of} == {0}, "trainA/ has the even ones"
    named = [found.features["label"].names[label] for label in found["label"]]
    assert named == [SHAPES[TOY.labels[row]] for row in of]
    generator = load_generator(str(trained("unpaired")), "cpu", "fp32")
    assert generator.config.algorithm == "cyclegan" and generator.domains == ("trainA", "trainB")
    assert generator.config.options["semantic"] == generator.config.options["task"] == 1
    assert load_generator(str(trained("paired")), "cpu", "fp32").config.algorithm == "pix2pix"
    capsys.readouterr()
    command("train", "--use", "image-to-image", "--data", data["unpaired"], "--dry-run",
            "--resolution", 16, "--options", "width=4,width_d=4,blocks=1", "--device", "cpu")  # fmt: skip
    said = capsys.readouterr()
    assert "network reader" in said.out, said.err


def test_drawings_after_photographs_need_no_class_and_no_pairs(made, trained, data, capsys):
    report = made("emoji")
    found, rows = rows_of(trained, report, "emoji")
    assert len(set(places(rows["source"], TOY.twins))) == 20
    assert found.features["label"].names == ["all"]
    generator = load_generator(str(trained("emoji")), "cpu", "fp32")
    assert generator.config.algorithm == "dtn" and generator.domains == ("trainA", "trainB")
    capsys.readouterr()
    code = command("train", "--use", "photo-to-emoji", "--data", data["paired"], "--resolution", 16,
                   "--dry-run", "--device", "cpu")  # fmt: skip
    told = capsys.readouterr().err
    assert code == 2 and "two sets of images that are no pairs" in told and "--source" in told


def test_what_was_understood_is_said_before_the_first_step(data, tmp_path, capsys):
    for name, words in {"paired": "60 pairs of files of equal stems", "unpaired": "unpaired: no file of trainA/"}.items():  # fmt: skip
        train(
            TrainSettings.parse({**values(data, name), "images": 32, "out": str(tmp_path / name)})
        )
        assert words in capsys.readouterr().err


def test_the_mask_is_a_column_of_named_classes(made, trained):
    report = made("layout")
    found, rows = rows_of(trained, report, "layout")
    places(rows["mask"], TOY.masks)
    generator = load_generator(str(trained("layout")), "cpu", "fp32")
    assert generator.task.fields["mask"].names == MASK_NAMES
    calibration = Calibration.from_json(generator.calibration)
    bounds = load_filters("default", calibration, generator.classes, 16).bounds
    assert [b.name for b in bounds if b.score == "mask_agreement"] == ["agreement"]
    assert np.asarray(found[0]["mask"]).max() < len(MASK_NAMES)
    read = np.asarray(found["mask_agreement"])
    assert ((read >= 0) & (read <= 1)).all() and len(set(read.tolist())) > 10


def test_the_sketch_is_derived_again_and_compared(made, trained):
    report = made("sketch")
    found, rows = rows_of(trained, report, "sketch")
    import torch

    field = ImageField(16, 16, 1)
    photos = torch.from_numpy(rows["image"])
    again = sketch(field, [photos], torch.zeros(20, 0), {"threshold": 8})
    wanted = lines_agree(again, torch.from_numpy(rows["sketch"]))
    assert np.allclose(found["sketch_agreement"], wanted, atol=1e-5)
    assert 0 < rows["sketch"].mean() < 255


def test_drawings_can_be_given_themselves(made, trained, tmp_path):
    """A folder of drawings, without the photographs that sketches are derived from."""
    folder = tmp_path / "drawings"
    folder.mkdir()
    for number in range(20):
        drawing = np.full((16, 16), 255, np.uint8)
        drawing[4 + number % 6, 2:12] = 0
        Image.fromarray(drawing).save(folder / f"{number:03d}.png")
    report = made("sketch", source=str(folder), field={"sketch": "image"})
    _, rows = rows_of(trained, report, "sketch")
    assert rows["sketch"].shape == (20, 16, 16, 1)
    assert {int((row == 0).sum()) for row in rows["sketch"]} == {10}


def test_halves_of_a_file_are_given_as_they_were_learnt(tmp_path, trained, made):
    folder = write_side_by_side(TOY, tmp_path / "halves")
    flat = {**PLAIN, "structure": "side-by-side"}
    report = made("sketch", source=str(folder), **flat)  # the right half is the photograph
    _, rows = rows_of(trained, report, "sketch")
    import torch

    photos = torch.from_numpy(TOY.images)
    drawn = sketch(ImageField(16, 16, 1), [photos], torch.zeros(60, 0), {"threshold": 8}).numpy()
    places(rows["sketch"], drawn)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(USES))
def test_every_command_takes_such_a_dataset(name, made, trained, data, tmp_path, capsys):
    first = made(name, "a", images_per_shard=8, keep_rejects=True).root
    second = made(name, "b", seed=5).root
    mild = tmp_path / "mild.yaml"  # for networks that have hardly learnt
    mild.write_text("exact_duplicate: true\n")
    every_command(first, second, trained(name), ("--real", data[name]), tmp_path, capsys, mild)
    if name == "layout":
        assert "Read again: mask" in (first / "report" / "report.html").read_text()
        parts = json.loads((first / "report" / "metrics.json").read_text())["parts"]
        assert [entry["part"] for entry in parts] == ["", *MASK_NAMES]
        assert all(entry["real_images"] for entry in parts)
        coco = ("export", first, "--format", "coco", "--out", tmp_path / "coco")
        assert command(*coco) in (0, None)
        wanted = ("--learn", "mask", "--test", "held-out", "--sizes", "all", "--seeds", 1)
        real = ("--real", data[name], "--steps", 4, "--batch-size", 8, "--device", "cpu")
        assert command("utility", first, *real, *wanted) in (0, None)
        assert "reader of mask reaches" in capsys.readouterr().out
    if name in ("paired", "unpaired"):
        code = command("utility", first, "--real", data[name], "--test", data[name], "--test-split",
                       "train", "--sizes", "2", "--seeds", 1, "--steps", 4, "--quick", "--device", "cpu")  # fmt: skip
        assert code == 2, "the test images are those of training, and that is told"
        assert "are the real training images" in capsys.readouterr().err
        held = ("--test", "held-out", "--sizes", "2", "--seeds", 1, "--steps", 4, "--quick")
        assert command("utility", first, "--real", data[name], *held, "--device", "cpu") in (
            0,
            None,
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paired", "layout"])
def test_two_workers_and_a_killed_run_make_the_same_bytes(
    name, made, trained, data, tmp_path, commands
):
    root = made(name, images_per_shard=5).root
    plain = [
        "sample", "--generator", trained(name), "--given", data[name], "--n", 20, "--filters",
        "none", "--device", "cpu", "--precision", "fp32", "--images-per-shard", 5,
    ]  # fmt: skip
    same_bytes_anyhow(plain, root, tmp_path, commands)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(USES))
def test_a_killed_training_goes_on_to_the_same_weights(name, trained, data, tmp_path):
    same_weights_from_the_middle(trained(name), values(data, name), tmp_path / "again")


def test_candidates_of_one_row_differ(made, trained):
    """Given again, a row has other noise: dropout is drawn by the candidate's numbers."""
    report = made("paired", n=60, given_again=True, classes=("disc",))
    _, rows = rows_of(trained, report, "paired")
    assert len(datasets.load_dataset(str(report.root), split="train")) == 60
    groups = {}
    for image, source in zip(rows["image"], rows["source"], strict=True):
        groups.setdefault(source.tobytes(), []).append(image.tobytes())
    assert all(len(set(each)) == len(each) == 3 for each in groups.values()) and len(groups) == 20
