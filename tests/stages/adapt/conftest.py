"""Labelled digits, negatives without labels, and a run that is finished once for all tests."""

import datasets
import numpy as np
import pytest
from adapting import CLASSES
from PIL import Image

from synthgen.spec.settings.adapt import AdaptSettings
from synthgen.stages.adapt.stage import adapt


@pytest.fixture(scope="package")
def source(digits, tmp_path_factory):
    """A table of 150 digits with a number of their own and a text."""
    images, labels = digits
    rows = np.concatenate([np.flatnonzero(labels == label)[:50] for label in range(3)])
    rows = np.random.default_rng(0).permutation(rows)
    table = datasets.Dataset.from_dict({
        "image": [Image.fromarray(images[row][..., 0]) for row in rows],
        "label": labels[rows].tolist(), "number": rows.tolist(),
        "hand": [f"hand {row % 7}" for row in rows],
    })  # fmt: skip
    table = table.cast_column("image", datasets.Image())
    table = table.cast_column("label", datasets.ClassLabel(names=list(CLASSES)))
    folder = tmp_path_factory.mktemp("source") / "digits"
    folder.mkdir()
    table.to_parquet(folder / "train.parquet")
    return folder


@pytest.fixture(scope="package")
def target(digits, tmp_path_factory):
    """Negatives of other digits in one folder, with names that say nothing."""
    images, labels = digits
    folder = tmp_path_factory.mktemp("target") / "camera"
    folder.mkdir()
    for label in range(3):
        for row in np.flatnonzero(labels == label)[80:130]:
            Image.fromarray(255 - images[row][..., 0]).save(folder / f"{row:05d}.png")
    return folder


@pytest.fixture(scope="package")
def negatives(digits, tmp_path_factory):
    """Labelled negatives to test on."""
    images, labels = digits
    folder = tmp_path_factory.mktemp("test") / "held"
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for row in np.flatnonzero(labels == label)[130:150]:
            Image.fromarray(255 - images[row][..., 0]).save(folder / name / f"{row:05d}.png")
    return folder


@pytest.fixture(scope="package")
def values(source, target):
    return {
        "source": str(source), "target": str(target), "rounds": 0, "images": 320, "steps": 60,
        "classifier_batch": 32, "width": 8, "options": {"width": 8, "width_d": 8, "width_t": 8, "blocks": 1},
        "device": "cpu", "threads": 1,
    }  # fmt: skip


@pytest.fixture(scope="package")
def finished(values, negatives, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    settings = AdaptSettings.parse(
        {**values, "out": str(out), "test": str(negatives), "test_split": "train"}
    )
    return settings, adapt(settings)
