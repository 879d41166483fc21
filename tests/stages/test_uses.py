"""Super-resolution on a flat folder and inpainting on classes, through every command."""

import shutil
import signal
import sys

import datasets
import numpy as np
import pytest
import tiny_uses
from PIL import Image
from tiny_uses import USES, waves

from synthgen.cli.main import main
from synthgen.dataset.codecs.registry import codec_of
from synthgen.generators.zoo import load_generator
from synthgen.spec.derivations import derive
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

TINY = {
    **tiny_uses.TINY, "images": 256, "batch_size": 16, "ticks": 2, "score_samples": 32,
    "classifier_images": 256,
}  # fmt: skip


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


def command(*arguments):
    before, sys.argv = sys.argv, ["synthgen", *map(str, arguments)]
    try:
        main()
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before


def stored(root, use, generator):
    """Stored rows of all columns of a dataset."""
    data = datasets.load_dataset(str(root), split="train")
    plain = data.with_format("arrow")[:]
    fields = generator.task.fields
    names = [name for name in ("image", *generator.given) if name in fields]
    return data, {n: codec_of(fields[n]).decode(plain.column(n).to_pylist()) for n in names}


def test_the_small_image_is_a_column_and_the_large_one_shrinks_to_it(made, trained):
    report = made("super-resolution")
    generator = load_generator(str(trained / "super-resolution"), "cpu", "fp32")
    data, rows = stored(report.root, "super-resolution", generator)
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
    data, rows = stored(report.root, "inpainting", generator)
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
    made(use, "b", seed=5)
    generator = ("--generator", trained / use)
    before = {path.name: path.read_bytes() for path in (first / "data").iterdir()}
    assert command("verify", first) in (0, None)
    assert command(
        "filter", first, "--out", tmp_path / "f", "--filters", "default", *generator
    ) in (0, None)
    assert command("merge", first, tmp_path / "b", "--out", tmp_path / "m") in (0, None)
    (first / "data" / "train-00001.parquet").unlink()
    assert command("repair", first, *generator) in (0, None)
    assert {path.name: path.read_bytes() for path in (first / "data").iterdir()} == before
    capsys.readouterr()
    assert command("reproduce", first, "--row", 3, *generator) in (0, None)
    assert "the same pixels" in capsys.readouterr().out
    assert command(
        "export", tmp_path / "m", "--format", "imagefolder", "--out", tmp_path / "e"
    ) in (0, None)
    given = load_generator(str(trained / use), "cpu", "fp32").given
    assert len(list((tmp_path / "e").rglob(f"*.{given[0]}.png"))) > 20
    real = ("--real", pictures[use])
    assert command("evaluate", first, *real, *generator, "--device", "cpu") in (0, None)
    assert command("report", first) in (0, None)
    for folder in (first, tmp_path / "f", tmp_path / "m"):
        assert command("verify", folder) in (0, None)
        assert len(datasets.load_dataset(str(folder), split="train"))


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
    wanted = {path.name: path.read_bytes() for path in (root / "data").iterdir()}
    plain = [
        "sample", "--generator", trained / use, "--given", pictures[use], "--n", 20, "--filters",
        "none", "--device", "cpu", "--precision", "fp32", "--images-per-shard", 5,
    ]  # fmt: skip
    commands.run(*plain, "--out", tmp_path / "two", "--workers", 2)
    assert {p.name: p.read_bytes() for p in (tmp_path / "two" / "data").iterdir()} == wanted
    killed = commands.start(*plain, "--out", tmp_path / "killed", faults={40: signal.SIGKILL})
    assert killed.wait() != 0
    commands.run(*plain, "--out", tmp_path / "killed")
    assert {p.name: p.read_bytes() for p in (tmp_path / "killed" / "data").iterdir()} == wanted


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(trained, pictures, tmp_path):
    """From a checkpoint in the middle, where the pixel phase has ended."""
    use = "super-resolution"
    values = {**TINY, **USES[use], "use": use, "data": str(pictures[use])}
    out = tmp_path / "again"
    settings = TrainSettings.parse({**values, "out": str(out)})
    shutil.copytree(trained / use, out)
    shutil.rmtree(out / "bundle")
    newest = sorted((out / "checkpoints").iterdir())
    shutil.rmtree(newest[-1])
    text = (out / "settings.json").read_text().replace(str(trained / use), str(out))
    (out / "settings.json").write_text(text)
    bundle = train(settings)
    name = "generator.safetensors"
    assert (bundle / name).read_bytes() == (trained / use / "bundle" / name).read_bytes()
