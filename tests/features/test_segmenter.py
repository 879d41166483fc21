"""The reader of masks: it tells a wrong layout, and one that does not look at the image cannot."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from toy_world import MASK_NAMES, SHAPES, toy_world, write_masks, write_photos
from written import write_dataset

from synthgen.features.field_reader import reader_class
from synthgen.features.overlap import confused, mean_overlap, overlaps
from synthgen.features.segmenter import Segmenter
from synthgen.networks.baking import bake
from synthgen.quality.readers.reading import Reading, read_off
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.parts import parts_read
from synthgen.stages.finished.dataset import open_dataset
from synthgen.training.classifier import ClassifierSettings
from synthgen.training.field_reader import train_reader

TOY = toy_world(280, 16)
FIELD = Mask(MASK_NAMES, 16, 16)
TRAIN, HELD = np.arange(220), np.arange(220, 280)


def trained_on(masks, folder, budget=3200):
    settings = ClassifierSettings(budget, 16, False, 0, torch.device("cpu"), torch.float32)
    return train_reader(TOY.images, masks, FIELD, TRAIN, HELD, settings, folder)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A segmenter of small scenes."""
    return trained_on(TOY.masks, tmp_path_factory.mktemp("segmenter"))


def agreement(network, masks, images=TOY.images[HELD]):
    reading = Reading(network, "mask")
    made, given = {"image": torch.from_numpy(images)}, {"mask": torch.from_numpy(masks)}
    return reading.agreement(made, given).numpy()


def other_class(masks):
    """The solid is said to be another one."""
    return np.where(masks > 0, masks % 3 + 1, 0).astype(np.uint8)


WRONG = {
    "of another row": lambda masks: np.roll(masks, 1, axis=0),
    "shifted by two pixels": lambda masks: np.roll(masks, 2, axis=2),
    "without the solid": np.zeros_like,
    "of another class": other_class,
}


def denied(network, images, masks, wrong):
    """Share of wrong masks that lie under the twentieth part of the right ones."""
    right = agreement(network, masks, images)
    return float((agreement(network, wrong(masks), images) < np.quantile(right, 0.05)).mean())


def test_it_reads_masks(trained):
    assert trained.right["pixels"] > 0.95 and trained.right["mean IoU"] > 0.6, trained.right
    said = read_off(trained.network, torch.from_numpy(TOY.images[HELD])).numpy()
    counts = confused(said, TOY.masks[HELD], 4)
    assert trained.right["mean IoU"] == pytest.approx(mean_overlap(counts), abs=1e-3)
    assert "mean IoU" in trained.network.told(trained.right)
    np.testing.assert_allclose(
        trained.agreements, agreement(trained.network, TOY.masks[HELD]), atol=1e-5
    )


@pytest.mark.parametrize("kind", list(WRONG))
def test_a_wrong_mask_agrees_less(kind, trained):
    images, masks = TOY.images[HELD], TOY.masks[HELD]
    assert denied(trained.network, images, masks, WRONG[kind]) > 0.8
    # A reader that is shown other images, and so knows only what masks are like, tells nothing.
    elsewhere = np.roll(images, 7, axis=0)
    assert denied(trained.network, elsewhere, masks, WRONG[kind]) < 0.5


def test_a_reader_that_has_learnt_other_rows_masks_fails(tmp_path):
    blind = trained_on(np.roll(TOY.masks, 31, axis=0), tmp_path / "blind", budget=600)
    assert blind.right["mean IoU"] < 0.4
    wrong = WRONG["of another row"]
    assert denied(blind.network, TOY.images[HELD], TOY.masks[HELD], wrong) < 0.3


@pytest.mark.parametrize(("height", "width"), [(8, 8), (20, 12), (28, 28), (96, 128), (200, 100)])
def test_it_takes_images_of_any_size(height, width):
    field = Mask(("sky", "road"), height, width)
    network = Segmenter(ImageSpec(height, width, 3), field, width=4).eval()
    assert reader_class("mask") is Segmenter
    images = torch.randn(3, 3, height, width)
    outputs = network(images)
    rows = torch.randint(0, 2, (3, height, width), dtype=torch.uint8)
    assert network.read(outputs).shape == rows.shape and network.read(outputs).dtype == torch.uint8
    found = network.agreements(outputs, rows)
    assert found.shape == (3, 1) and ((found >= 0) & (found <= 1)).all()
    again = Segmenter.from_config(json.loads(json.dumps(network.config())), field)
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(bake(again.eval())(images), outputs, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="other classes"):
        Segmenter.from_config(network.config(), Mask(("sky", "road", "car"), height, width))


def test_a_temperature_makes_a_sure_reader_doubt():
    network = Segmenter(ImageSpec(16, 16, 3), FIELD, width=4)
    rows = torch.from_numpy(TOY.masks[:40])
    outputs = 9 * FIELD.tensor(rows)
    outputs[::5] = outputs[::5].roll(1, dims=1)  # a fifth is wrong, and as sure
    network.calibrate(outputs, rows)
    assert float(network.heat) > 3
    assert 0.6 < float(network.agreements(outputs, rows)[1].mean()) < 0.95


def test_overlaps_are_those_of_another_library():
    from sklearn.metrics import jaccard_score

    rng = np.random.default_rng(0)
    truth, said = rng.integers(0, 4, (2, 6, 9, 7)).astype(np.uint8)
    said = np.where(rng.random(said.shape) < 0.5, truth, said)
    counts = confused(said, truth, 5)
    assert counts[truth.min(), :].sum() == (truth == truth.min()).sum()
    wanted = jaccard_score(truth.reshape(-1), said.reshape(-1), average=None)
    found = overlaps(counts)
    np.testing.assert_allclose(found[:4], wanted)
    assert np.isnan(found[4]) and mean_overlap(counts) == pytest.approx(wanted.mean())


def evaluated(network, folder, real, masks, images=TOY.images[HELD], **changes):
    root = write_dataset(folder, images, TOY.labels[HELD], SHAPES, {"mask": FIELD}, {"mask": masks})
    settings = EvaluateSettings.parse({"dataset": str(root), "real": str(real), **changes})
    generator = SimpleNamespace(readers={"mask": network})
    known = SimpleNamespace(held=None, data=SimpleNamespace(fingerprint=""))
    return parts_read(settings, open_dataset(str(root)), generator, known)


def test_evaluate_reads_masks_class_by_class_beside_real_ones(trained, tmp_path, capsys):
    real = write_masks(toy_world(40, 16, seed=9), tmp_path / "real", classes=True)
    network, masks = trained.network, TOY.masks[HELD]
    found = evaluated(network, tmp_path / "a", real, masks)
    assert [entry.part for entry in found] == ["", *MASK_NAMES]
    assert {entry.measure for entry in found} == {"IoU"}
    mean = found[0]
    assert mean.images == 60 and mean.real_images == 40
    assert mean.value == pytest.approx(trained.right["mean IoU"], abs=1e-3)
    assert mean.real_value > 0.5
    # The look-alike's masks are of other rows.
    wrong = evaluated(network, tmp_path / "b", real, np.roll(masks, 1, axis=0))
    assert wrong[0].value < 0.6 * mean.value and wrong[0].real_value == mean.real_value
    plain = write_photos(toy_world(12, 16), tmp_path / "plain", classes=True)
    capsys.readouterr()
    alone = evaluated(network, tmp_path / "c", plain, masks)
    assert alone[0].real_value is None and alone[0].value == mean.value
    assert "mask is not read off real images" in capsys.readouterr().err
