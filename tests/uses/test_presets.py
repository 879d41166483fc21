"""Every preset in ``configs/uses/`` is of a use that there is, and valid."""

from pathlib import Path

import pytest

from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.train import TrainSettings
from synthgen.uses.registry import find_use

PRESETS = sorted((Path(__file__).parents[2] / "configs" / "uses").glob("*.yaml"))


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_is_valid_and_says_how_it_is_run(path):
    settings = TrainSettings.parse({"data": "photos", **read_yaml(path)}, path.name)
    use = find_use(settings.use)
    use.options.parse(settings.use_options)
    assert path.stem.startswith(use.name)
    assert f"synthgen train configs/uses/{path.name} --data" in path.read_text()
