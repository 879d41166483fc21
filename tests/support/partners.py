"""A toy world whose images have partners, read and compared with its truth."""

from __future__ import annotations

import numpy as np
import pytest
from toy_world import JOINTS, LIMBS, MASK_NAMES, PAIRS, toy_world

from synthgen.data.records import load_records
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.maps import Keypoints, Mask
from synthgen.spec.settings.data import DataSettings

SIDE = 32
TOY = toy_world(12, SIDE)
IMAGE = Image(SIDE, SIDE, 3)
MASK = Mask(MASK_NAMES, SIDE, SIDE)
POINTS = Keypoints(JOINTS, SIDE, SIDE, LIMBS, PAIRS)
FIELDS = {"image": IMAGE, "source": IMAGE, "mask": MASK, "keypoints": POINTS}


def settings(folder, **options):
    return DataSettings.parse({"data": str(folder), "min_per_class": 1, **options})


def read(folder, *names, columns=None, labelled=None, **options):
    fields = {name: FIELDS[name] for name in ("image", *names)}
    return load_records(settings(folder, **options), fields, columns, labelled=labelled)


def check(records, *, order=slice(None)):
    """The columns are those of the toy world."""
    truth = {"image": TOY.images, "source": TOY.twins, "mask": TOY.masks}
    for name, rows in records.columns.items():
        if name == "keypoints":
            np.testing.assert_allclose(rows, TOY.keypoints[order], atol=1e-4)
        else:
            assert (rows == truth[name][order]).all(), name


def refused(match, folder, *names, **options):
    with pytest.raises(SynthgenError, match=match) as caught:
        read(folder, *names, **options)
    assert "\n" not in str(caught.value)
