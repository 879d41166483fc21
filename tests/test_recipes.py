"""Every recipe in ``configs/`` is valid, and there is one of each size for every algorithm."""

from pathlib import Path

import pytest

from synthgen.algorithms.registry import build, find, registered
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.train import TrainSettings

RECIPES = Path(__file__).parent.parent / "configs" / "recipes"


def test_there_is_a_recipe_of_each_size_for_every_algorithm():
    wanted = {f"{name}-{size}" for name in registered() for size in ("grey-28", "rgb-32", "rgb-64")}
    assert {path.stem for path in RECIPES.glob("*.yaml")} == wanted


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_recipe_is_valid_and_its_networks_can_be_built(path):
    settings = TrainSettings.parse({"data": "photos", **read_yaml(path)}, path.name)
    name, size = path.stem.rsplit("-", 2)[0], path.stem.rsplit("-", 2)[1:]
    assert settings.algorithm == name and settings.color == size[0]
    assert settings.resolution == int(size[1])
    side, channels = settings.resolution, 1 if settings.color == "grey" else 3
    narrow = {k: min(v, 16) for k, v in settings.options.items() if k.startswith(("width", "wide"))}
    task = find(name).takes.task(("a", "b"), ImageSpec(side, side, channels))
    build(name, task, {**settings.options, **narrow})
