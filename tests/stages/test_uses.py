"""Super-resolution on a flat folder and inpainting on classes, through every command."""

import numpy as np
import pytest
from PIL import Image
from tiny_uses import USES, waves
from uses import (
    TINY,
    command,
    every_command,
    same_bytes_anyhow,
    same_weights_from_the_middle,
    stored,
)

from synthgen.generators.zoo import load_generator
from synthgen.spec.derivations import derive
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Forty waves of colour twice: loose in one folder, and in a folder for each of two classes."""
    root = tmp_path_factory.mktemp("pictures")
    for number, pixels in enumerate(waves(40)):
        image = Image.fromarray(pixels)
        for folder in (root / "flat", root / "classes" / ("odd" if number % 2 else "even")):
            folder.mkdir(parents=True, exist_ok=True)
            image.save(folder / f"{number:03d}.png")
    return {"super-resolution": root / "flat", "inpainting": root / "classes"}


@pytest.fixture(scope="module")
def trained(pictures, tmp_path_factory):
    """A finished run of each use."""
    out = tmp_path_factory.mktemp("runs")
    for use, options in USES.items():
        values = {**TINY, **options, "use": use, "data": str(pictures[use])}
        train(TrainSettings.parse({**values, "out": str(out / use)}))
    return out


@pytest.fixture
def made(trained, pictures, tmp_path):
    """A function that samples from rows: settings in, the report out."""

    def run(use, out="made", **changes):
        values = {
            "generator": str(trained / use), "source": str(pictures[use]), "n": 20,
            "filters": "none", "device": "cpu", "precision": "fp32", "out": str(tmp_path / out),
        }  # fmt: skip
        return sample(SampleSettings.parse({**values, **changes}))

    return run


def test_the_small_image_is_a_column_and_the_large_one_shrinks_to_it(made, trained):
    report = made("super-resolution")
    generator = load_generator(str(trained / "super-resolution"), "cpu", "fp32")
    data, rows = stored(report.root, generator)
    assert data.features["label"].names == ["all"] and "label_agreement" not in data.features
    import torch

    again = derive(generator.task, {"image": torch.from_numpy(rows["image"])}, torch.zeros(20, 0))
    gaps = np.abs(again["small"].numpy().astype(float) - rows["small"]).mean(axis=(1, 2, 3))
    assert gaps.mean() < 2
    assert np.allclose(data["small_agreement"], 1 - gaps / 255, atol=1e-5)
    shifted = np.abs(again["small"].numpy().astype(float) - np.roll(rows["small"], 1, 0))
    assert shifted.mean() > 10  # the look-alike: another row's


def test_known_pixels_are_the_sources_and_each_row_is_given_once(made, trained, pictures):
    report = made("inpainting")
    generator = load_generator(str(trained / "inpainting"), "cpu", "fp32")
    data, rows = stored(report.root, generator)
    known = rows["hole"] == 0
    assert (rows["image"][known] == rows["masked"][known]).all() and (~known).any()
    assert (rows["masked"][~known] == 127).all()
    assert min(data["masked_agreement"]) == 1
    sources = {
        label: [
            np.asarray(Image.open(p)) for p in sorted((pictures["inpainting"] / name).iterdir())
        ]
        for label, name in enumerate(("even", "odd"))
    }
    used = set()
    for row, label in enumerate(data["label"]):
        fits = [k for k, image in enumerate(sources[label])
                if (image[known[row]] == rows["image"][row][known[row]]).all()]  # fmt: skip
        assert fits, "outside of the hole a pixel is no source's of its class"
        used.add((label, fits[0]))
    assert len(used) == 20 == len(data)


@pytest.mark.slow
@pytest.mark.parametrize("use", list(USES))
def test_every_command_takes_such_a_dataset(use, made, trained, pictures, tmp_path, capsys):
    first = made(use, "a", images_per_shard=8, keep_rejects=True).root
    second = made(use, "b", seed=5).root
    real = ("--real", pictures[use])
    every_command(first, second, trained / use, real, tmp_path, capsys)


def test_a_flat_folder_has_no_utility_and_says_so(made, pictures, capsys):
    root = made("super-resolution").root
    assert command("utility", root, "--real", pictures["super-resolution"]) == 2
    line = capsys.readouterr().err
    assert "have no label" in line and "Traceback" not in line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": None}, "give rows that have image with --given"),
        ({"n": 4000}, "images are wanted, but the source has"),
        ({"set": {"smiling": 1}}, "is given no such attribute"),
    ],
)
def test_mistakes_are_told(changes, words, made):
    from synthgen.spec.errors import SynthgenError

    with pytest.raises(SynthgenError, match=words):
        made("super-resolution", **changes)


@pytest.mark.slow
def test_two_workers_and_a_killed_run_make_the_same_bytes(
    made, trained, pictures, tmp_path, commands
):
    use = "inpainting"
    root = made(use, images_per_shard=5).root
    plain = [
        "sample", "--generator", trained / use, "--given", pictures[use], "--n", 20, "--filters",
        "none", "--device", "cpu", "--precision", "fp32", "--images-per-shard", 5,
    ]  # fmt: skip
    same_bytes_anyhow(plain, root, tmp_path, commands)


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(trained, pictures, tmp_path):
    """From a checkpoint in the middle, where the pixel phase has ended."""
    use = "super-resolution"
    values = {**TINY, **USES[use], "use": use, "data": str(pictures[use])}
    same_weights_from_the_middle(trained / use, values, tmp_path / "again")
