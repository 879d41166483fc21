"""Makes the golden files: what later code must still read, build and draw.

    PYTHONPATH=. python tests/golden/make.py [weights] [losses] [candidates] [bundles] [datasets]

The files here were made by commit 831478a, the last one before the packages were split into
smaller ones. They are not to be made again when a test fails: a difference is either a mistake or a
change of format or arithmetic that needs its own version. New files (a further algorithm, a further
format) are made beside the old ones. ``datasets`` are made with the bundles that lie here.

The bundles are as small as they can be: their label classifier is narrower than the one ``train``
makes, which has no setting for it, so its default is lowered here before training.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from golden import (
    BUNDLES,
    CANDIDATES,
    DATASETS,
    DIGITS,
    LOSSES,
    OPTIONS,
    SAMPLED,
    TASKS,
    WEIGHTS,
    build_seeded,
    digit_folders,
    first_candidates,
    losses,
    save_sheet,
    summaries,
    synthgen,
)

NARROW = 8
"""Channels of the label classifiers."""

BRIEF = {"batch_size": 32, "ticks": 1, "score_samples": 128, "classifier_images": 8_000}
SMALLEST = {"width": 4, "widest": 8, "latent": 8, "style": 8}


def weights() -> None:
    """Dtype, shape and sums of every tensor of every algorithm, by seed."""
    lines = []
    for name in sorted(OPTIONS):
        for task in TASKS:
            found = json.dumps(summaries(build_seeded(name, task)), separators=(",", ":"))
            lines.append(f'"{name} {task}": {found}')
    WEIGHTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def terms() -> None:
    """Every term of every algorithm's loss, and its gradients, by seed."""
    lines = []
    for name in sorted(OPTIONS):
        for task, shape in TASKS.items():
            found = json.dumps(losses(build_seeded(name, task), *shape))
            lines.append(f'"{name} {task}": {found}')
    LOSSES.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def candidates() -> None:
    """Sheets of the first candidates of every bundled generator and of every bundle here."""
    from synthgen import load_generator

    sources = {name: name for name in ("cifar10-32", "fashion-mnist-28")}
    sources |= {path.name: str(path) for path in sorted(BUNDLES.iterdir())}
    for name, source in sources.items():
        for column, images in first_candidates(load_generator(source, "cpu", "fp32")):
            save_sheet(CANDIDATES / f"{name}-{column}.png", images)


def bundles() -> None:
    """One bundle of a single network, two of two domains, one set of a network for each class."""
    from synthgen.features.classifier import LabelClassifier

    LabelClassifier.__init__.__defaults__ = (NARROW,)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, negative = digit_folders(folder)
        pair = {"images": 640, "source": str(negative), "reference": False}
        small = {"width": 4, "width_d": 4, "blocks": 1, "pool": 1}
        runs = {
            "r3gan": {"images": 16_000, "options": {**SMALLEST, "width": 8}},
            "cyclegan": {"algorithm": "cyclegan", "options": small, **pair},
            "cogan": {"algorithm": "cogan", "options": {"width": 4}, **pair,
                      "keep_discriminator": False},
            "per-class": {"images": 640, "options": SMALLEST, "per_class": True,
                          "classes": ["one", "two"], "reference": False},
        }  # fmt: skip
        for run, changes in runs.items():
            settings = {"data": str(plain), "device": "cpu", "precision": "fp32", **BRIEF}
            config = folder / f"{run}.yaml"
            config.write_text(json.dumps({**settings, **changes}))
            assert synthgen("train", config, "--out", folder / "runs" / run) == 0
            shutil.rmtree(BUNDLES / run, ignore_errors=True)
            shutil.copytree(folder / "runs" / run / "bundle", BUNDLES / run)


def datasets() -> None:
    """One dataset with rejects, one of lossless WebP in two splits, one of translated images."""
    # The path of the source is on record in what is made of it: one that says nothing of here.
    with tempfile.TemporaryDirectory() as name, chdir(name):
        digit_folders(Path())
        r3gan = ("sample", "--overwrite", "--generator", BUNDLES / "r3gan")
        runs = {
            "digits": (*r3gan, "--n", 48, *DIGITS),
            "webp": (*r3gan, "--n", 40, "--image-format", "webp", "--splits",
                     "train=0.75,test=0.25", "--seed", 1, "--filters", "none", *SAMPLED),
            "translated": ("sample", "--overwrite", "--generator", BUNDLES / "cyclegan", "--source",
                           "negative", "--n", 45, "--images-per-shard", 15, "--filters", "none",
                           *SAMPLED),
        }  # fmt: skip
        for run, arguments in runs.items():
            assert synthgen(*arguments, "--out", DATASETS / run) == 0


if __name__ == "__main__":
    parts = {
        "weights": weights, "losses": terms, "bundles": bundles, "candidates": candidates, "datasets": datasets,
    }  # fmt: skip
    for part in sys.argv[1:] or parts:
        parts[part]()
