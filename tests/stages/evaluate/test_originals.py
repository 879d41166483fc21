"""Images beside the originals that they were to be, by the commands, and beside plain ways back."""

import json
import shutil
import sys

import datasets
import numpy as np
import pytest
import tiny_uses
from PIL import Image

from synthgen.cli.main import main
from synthgen.dataset.codecs.registry import codec_of
from synthgen.generators.zoo import load_generator
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.evaluate.originals import restorations
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.finished.merge import merge
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

COUNT = 40
TINY = {**tiny_uses.TINY, "holdout": 0.25}
OF_PIXELS = {"width": 8, "blocks": 1, "width_d": 8, "pixels": 1.0}
USES = {
    **tiny_uses.USES,
    "super-resolution": {"use_options": {"scale": 2}, "options": OF_PIXELS},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    for name, seed in (("seen", 0), ("other", 1)):
        (root / name).mkdir()
        for number, pixels in enumerate(tiny_uses.waves(COUNT, seed)):
            Image.fromarray(pixels).save(root / name / f"{number:03d}.png")
    return root


@pytest.fixture(scope="module")
def trained(folders, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    for use, options in USES.items():
        values = {**TINY, **options, "use": use, "data": str(folders / "seen")}
        train(TrainSettings.parse({**values, "out": str(out / use)}))
    return out


@pytest.fixture
def made(trained, folders, tmp_path):
    def run(use, source, out="made", **changes):
        values = {
            "generator": str(trained / use), "source": str(folders / source), "n": COUNT,
            "filters": "none", "device": "cpu", "precision": "fp32", "out": str(tmp_path / out),
            "images_per_shard": 16,
        }  # fmt: skip
        return sample(SampleSettings.parse({**values, **changes})).root

    return run


def generator_of(trained, use):
    return load_generator(str(trained / use), "cpu", "fp32")


def columns(root, generator):
    rows = datasets.load_dataset(str(root), split="train").with_format("arrow")[:]
    fields = generator.task.fields
    names = [name for name in ("image", *generator.given) if name in fields]
    return {n: codec_of(fields[n]).decode(rows.column(n).to_pylist()).astype(int) for n in names}


def by_content(rows, originals):
    """The original of each row, found by looking at what was given."""
    if "small" in rows:
        small = originals.astype(int).reshape(-1, 8, 2, 8, 2, 3).mean(axis=(2, 4))
        gaps = np.abs(rows["small"][:, None] - small[None]).mean(axis=(2, 3, 4))
    else:
        known = (rows["hole"] == 0)[:, None, ..., None]
        gaps = np.abs((rows["masked"][:, None] - originals[None].astype(int)) * known)
        gaps = gaps.mean(axis=(2, 3, 4))
    assert (np.sort(gaps, axis=1)[:, 1] > 1).all()
    return originals[gaps.argmin(axis=1)].astype(int)


def psnr(gaps):
    return 10 * np.log10(255**2 / max(1 / 12, float(np.square(gaps).mean())))


@pytest.mark.parametrize("use", list(USES))
def test_the_originals_are_those_that_what_was_given_shows(use, made, trained):
    root, generator = made(use, "other"), generator_of(trained, use)
    (found,) = restorations(open_dataset(root), generator, 1000)
    rows = columns(root, generator)
    gaps = rows["image"] - by_content(rows, tiny_uses.waves(COUNT, 1))
    inside = rows.get("hole", np.ones(gaps.shape[:3])) > 0
    each = [gap[place] for gap, place in zip(gaps, inside, strict=True) if place.any()]
    assert found.images == len(each) and found.held_out == found.trained_on == 0
    assert found.made.psnr == pytest.approx(np.mean([psnr(gap) for gap in each]), abs=1e-3)
    mean = np.mean([np.abs(gap).mean() for gap in each])
    assert found.made.difference == pytest.approx(mean, abs=1e-3)
    assert found.within == {"super-resolution": "", "inpainting": "hole"}[use]
    assert "of other data than the generator was trained on" in found.what
    assert len(found.baselines) == 2 and len({row.psnr for row in found.rows}) == 3


def test_rows_that_training_held_out_count_alone(made, trained, tmp_path):
    use = "super-resolution"
    generator = generator_of(trained, use)
    root = made(use, "seen")
    (found,) = restorations(open_dataset(root), generator, 1000)
    assert found.held_out == found.images == 10 and not found.trained_on
    joined = merge([root, made(use, "other", "b", seed=1)], tmp_path / "m").root
    (both,) = restorations(open_dataset(joined), generator, 1000)
    assert both.images == 50 and both.held_out == 10
    assert "10 held out from training, the others of other data" in both.what


def test_rows_that_have_moved_or_changed_are_said(made, trained, folders, tmp_path, capsys):
    use = "super-resolution"
    copy = tmp_path / "copy"
    shutil.copytree(folders / "other", copy)
    root = made(use, copy)
    Image.fromarray(tiny_uses.waves(COUNT, 2)[0]).save(copy / "007.png")
    assert restorations(open_dataset(root), generator_of(trained, use), 1000) == ()
    assert "has changed" in capsys.readouterr().err
    shutil.rmtree(copy)
    assert restorations(open_dataset(root), generator_of(trained, use), 1000) == ()
    assert "images are not compared with their originals" in capsys.readouterr().err


def test_the_commands_print_them(made, trained, folders, capsys):
    use = "inpainting"
    root = made(use, "other")
    before, sys.argv = sys.argv, [
        "synthgen", "evaluate", str(root), "--real", str(folders / "other"), "--generator",
        str(trained / use), "--device", "cpu", "--extractor", "classifier",
    ]  # fmt: skip
    try:
        main()
    except SystemExit as end:
        assert end.code in (0, None)
    finally:
        sys.argv = before
    out = capsys.readouterr().out
    assert "pixels in 'hole':" in out and "  mean of the border: PSNR" in out
    record = json.loads((root / "report" / "metrics.json").read_text())
    (found,) = record["restorations"]
    assert f"  this dataset: PSNR {found['made']['psnr']:.2f} dB" in out
    assert record["memorisation"]["agrees"]
    assert "| mean of the border |" in (root / "README.md").read_text()
