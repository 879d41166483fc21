"""Datasets with masks, and exports of them, are read again with the names that they have on record."""

import json

import numpy as np
import pytest
from toy_world import MASK_NAMES, toy_world, write_masks
from untrained import untrained

from synthgen.data.mask_names import mask_names
from synthgen.data.own_fields import own_fields
from synthgen.spec.errors import SynthgenError
from synthgen.spec.maps import Mask
from synthgen.spec.settings.inspect import InspectSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.finished.export import export
from synthgen.stages.inspect.stage import inspect
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.offered import load_for
from synthgen.uses.registry import find_use

TOLD = "masks of 4 classes, of all pixels background"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dataset of photographs of masks, and an export of it."""
    root = tmp_path_factory.mktemp("masks")
    scenes = write_masks(toy_world(24, 16), root / "scenes")
    masks = {"mask": Mask(MASK_NAMES, 16, 16)}
    bundle = untrained(root / "b", "layout-to-photo", {"width": 4, "width_d": 4}, masks)
    settings = {
        "generator": str(bundle), "source": str(scenes), "n": 20, "filters": "none",
        "device": "cpu", "precision": "fp32", "out": str(root / "made"),
    }  # fmt: skip
    sample(SampleSettings.parse(settings))
    export(str(root / "made"), str(root / "exported"), "imagefolder")
    return root


@pytest.mark.parametrize("name", ["made", "exported"])
def test_masks_are_told_and_learnt_from_without_their_names(name, made):
    data = {"data": str(made / name), "use": "layout-to-photo", "min_per_class": 2}
    found = inspect(InspectSettings.parse(data))
    assert any(line.startswith("column 'mask': ") and TOLD in line for line in found.columns)
    wanted = {**data, "out": str(made / "run"), "resolution": 16}
    records, task = load_for(TrainSettings.parse(wanted), find_use("layout-to-photo"))
    assert task.fields["mask"].names == MASK_NAMES
    assert len(np.unique(records.columns["mask"])) > 2


def test_an_export_shows_its_masks_to_who_names_no_use(made):
    found = inspect(InspectSettings.parse({"data": str(made / "exported")}))
    assert any(TOLD in line for line in found.columns)


def test_folders_of_others_have_no_such_record(tmp_path):
    assert own_fields(tmp_path) == {} and own_fields(None) == {}
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "theirs", "generator": {}}))
    assert own_fields(tmp_path) == {}
    (tmp_path / "fields.json").write_text("[1]")
    assert own_fields(tmp_path) == {}


def test_one_text_in_place_of_names_is_told(tmp_path):
    (tmp_path / "classes.json").write_text('"background"')
    settings = TrainSettings.parse({"data": str(tmp_path), "out": "x"})
    with pytest.raises(SynthgenError, match=r"it is the one text 'background'.*write a list"):
        mask_names(settings, tmp_path)
