"""Identity of edits: calibrated on real images, and failing on what a look-alike gives."""

import numpy as np
import pytest
import torch
from toy_world import toy_world

from synthgen.data.splits import Labelled
from synthgen.quality.calibration import calibrate
from synthgen.quality.filters import load_filters
from synthgen.quality.readers.identity import APART, Identity, calibrate_identity, ranked
from synthgen.quality.readers.readers import Readers
from synthgen.quality.scores import STATISTICS, Scorer
from synthgen.spec.columns import IDENTITY, meaning
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import ALL, edits
from synthgen.spec.vectors import Attributes

SIDE = 32
CPU = torch.device("cpu")
TASK = edits(ImageSpec(SIDE, SIDE, 3), Attributes(("large",)))
HELD, FRESH = toy_world(48, SIDE), toy_world(48, SIDE, seed=1)


@pytest.fixture(scope="module")
def calibration():
    labels = np.zeros(48, dtype=np.int64)
    statistics = calibrate(Scorer(None), HELD.images, labels, (ALL,), 48, CPU)
    own = calibrate_identity(Labelled(HELD.images, labels), (ALL,), CPU)
    return statistics.with_quantiles_of(own)


@pytest.fixture(scope="module")
def agreement(calibration):
    """A function of images and sources."""
    readers = Readers.of(TASK, {}, lambda name: Identity(name, TASK, calibration, CPU))
    assert readers.names == (IDENTITY,)

    def of(images, sources):
        rows = [torch.from_numpy(np.ascontiguousarray(x)) for x in (images, sources)]
        return readers.read({"image": rows[0]}, {"source": rows[1]})[IDENTITY].numpy()

    return of


def test_the_same_image_is_sure_and_another_is_as_good_as_chance(agreement):
    assert (agreement(FRESH.images, FRESH.images) == 1).all()
    others = agreement(np.roll(FRESH.images, 1, axis=0), FRESH.images)
    assert 0.35 < others.mean() < 0.65 and (others >= 0.95).mean() < 0.15
    repainted = FRESH.images.copy()
    repainted[FRESH.masks > 0] = (200, 80, 160)
    own = agreement(repainted, FRESH.images)
    assert own.mean() > others.mean() + 0.15
    brighter = np.clip(FRESH.images.astype(float) * 1.05, 0, 255).astype(np.uint8)
    assert (agreement(brighter, FRESH.images) >= 0.95).mean() > 0.9

    # The look-alike compares each edit with any source: what is right is as good as what is not.
    order = np.random.default_rng(0).permutation(len(FRESH))
    assert agreement(brighter, FRESH.images[order]).mean() < 0.7


def test_the_filter_keeps_what_is_nearer_than_nearly_all_others(calibration):
    bounds = {b.name: b for b in load_filters("default", calibration, (ALL,)).bounds}
    assert bounds["identity"].score == IDENTITY
    assert bounds["identity"].low[0] == min(0.95, calibration.quantile(IDENTITY, 0.01))
    assert "agreement" not in bounds, "the identity has a rule of its own"
    bare = calibration.only([*STATISTICS, APART])
    assert "identity" not in {b.name for b in load_filters("default", bare, (ALL,)).bounds}


def test_a_filter_that_cannot_be_is_told(calibration, tmp_path):
    (tmp_path / "rules.yaml").write_text("identity:\n")
    with pytest.raises(SynthgenError, match="identity: this generator's images are no edits"):
        load_filters(str(tmp_path / "rules.yaml"), calibration.only([APART]), (ALL,))


def test_ranks_are_shares_of_the_distribution_above():
    gaps = np.array([0.0, 1.0, 5.0, 99.0])
    quantiles = np.linspace(1, 9, 19)
    found = ranked(gaps, quantiles)
    assert found[0] == found[1] == 1 and found[3] == 0 and 0 < found[2] < 1
    assert found.dtype == np.float32


def test_an_edit_agrees_with_its_source_and_is_no_copy_of_it():
    assert TASK.agrees and TASK.edited == {"image": "source", "attributes": "source_attributes"}
    assert Readers.of(TASK).names == (), "no pixel of the source need come back"
    assert "different real images" in meaning(IDENTITY)
