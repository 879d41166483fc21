"""Generators of then draw what they did: the bundled ones, and bundles of version 1."""

import json

import golden
import numpy as np
import pytest

from synthgen import load_generator

BUNDLED = ("cifar10-32", "fashion-mnist-28")
NAMES = (*BUNDLED, "r3gan", "cyclegan", "cogan", "per-class")
SHEETS = sorted(path.stem for path in golden.CANDIDATES.glob("*.png"))


def load(name):
    known = name if name in BUNDLED else str(golden.BUNDLES / name)
    return load_generator(known, "cpu", "fp32")


def test_all_sheets_are_looked_at():
    assert (
        sorted([f"{name}-image" for name in NAMES] + ["cogan-source", "cyclegan-source"]) == SHEETS
    )


@pytest.mark.parametrize("name", NAMES)
def test_first_candidates_are_those_of_then_to_a_grey_level(name):
    columns = dict(golden.first_candidates(load(name)))
    assert sorted(f"{name}-{column}" for column in columns) == [
        sheet for sheet in SHEETS if sheet.startswith(f"{name}-")
    ]
    for column, images in columns.items():
        path = golden.CANDIDATES / f"{name}-{column}.png"
        stored = golden.read_sheet(path, images.shape[1])
        assert stored.shape == images.shape and stored.std() > 1
        assert np.abs(stored.astype(int) - images).max() <= 1, column


@pytest.mark.parametrize("name", BUNDLED)
def test_another_seed_is_noticed(name):
    (_, images), *_ = golden.first_candidates(load(name), seed=1)
    stored = golden.read_sheet(golden.CANDIDATES / f"{name}-image.png", images.shape[1])
    assert np.abs(stored.astype(int) - images).max() > 1


def test_everything_in_a_bundle_of_then_is_read():
    generator = load("r3gan")
    assert generator.classes == golden.CLASSES
    assert generator.classifier is not None and generator.discriminator is not None
    assert generator.calibration and generator.reference
    assert load("cyclegan").translates and load("cyclegan").domains == ("negative", "plain")
    assert load("cogan").domains == ("negative", "plain")
    assert load("cogan").discriminator is None and load("cogan").reference is None
    assert load("per-class").classes == ("one", "two")


@pytest.mark.parametrize("name", ["r3gan", "cyclegan", "cogan", "per-class"])
def test_the_bundles_are_of_version_one(name):
    folder = golden.BUNDLES / name
    configs = sorted(folder.rglob("config.json"))
    assert configs and {json.loads(path.read_text())["version"] for path in configs} == {1}
    assert (folder / "set.json").is_file() == (name == "per-class")
