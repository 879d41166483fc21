"""The reader of attributes: what is not known takes no part, and it learns what is to be seen."""

import json

import numpy as np
import pytest
import torch
from toy_world import SHAPES, toy_world

from synthgen.features.attribute_reader import AttributeReader
from synthgen.features.field_reader import mean_known
from synthgen.quality.readers.reading import Reading
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask
from synthgen.spec.vectors import Attributes
from synthgen.training.batches import JointBatches, RealBatches
from synthgen.training.classifier import ClassifierSettings
from synthgen.training.field_reader import train_reader

FIELD = Attributes(("warm", "shape", "height"), {"height": (0.1, 0.35)}, {"shape": SHAPES})
IMAGE = ImageSpec(16, 16, 3)


def rows_of(toy):
    return np.stack([toy.attributes[:, 1], toy.labels, toy.attributes[:, 2]], axis=1).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A reader of 300 small scenes, of which a fifth of the values are not known."""
    toy = toy_world(360, 16)
    rows = rows_of(toy)
    rows[np.random.default_rng(0).random(rows.shape) < 0.2] = np.nan
    settings = ClassifierSettings(6000, 32, False, 0, torch.device("cpu"), torch.float32)
    folder = tmp_path_factory.mktemp("reader")
    found = train_reader(
        toy.images, rows, FIELD, np.arange(300), np.arange(300, 360), settings, folder
    )
    return found, toy, rows, settings, folder


def test_it_reads_what_is_to_be_seen(trained):
    found, toy, *_ = trained
    assert found.right["warm"] > 0.85 and found.right["shape"] > 0.6, found.right
    assert found.right["height"] < 0.035  # a twentieth is what the mean of all would be off
    agreement = Reading(found.network, "attributes")
    made = {"image": torch.from_numpy(toy.images[300:])}
    own = agreement.agreement(made, {"attributes": torch.from_numpy(rows_of(toy)[300:])})
    wrong = rows_of(toy)[300:]
    wrong[:, 0] = 1 - wrong[:, 0]
    other = agreement.agreement(made, {"attributes": torch.from_numpy(wrong)})
    assert own.min() >= 0 and own.max() <= 1 and own.mean() - other.mean() > 0.15
    unknown = torch.full((60, 3), torch.nan)
    assert (agreement.agreement(made, {"attributes": unknown}) == 1).all()


def test_a_second_call_reads_what_was_trained(trained, monkeypatch):
    found, toy, rows, settings, folder = trained
    import synthgen.training.field_reader as module

    monkeypatch.setattr(module, "fit_network", lambda *a, **k: pytest.fail("trained again"))
    again = train_reader(
        toy.images, rows, FIELD, np.arange(300), np.arange(300, 360), settings, folder
    )
    assert again.right == found.right
    np.testing.assert_array_equal(again.agreements, found.agreements)
    for name, value in found.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name


def test_what_is_not_known_takes_no_part_in_the_loss():
    torch.manual_seed(0)
    reader = AttributeReader(IMAGE, FIELD, width=5)
    outputs = torch.randn(8, FIELD.entering, requires_grad=True)
    rows = torch.from_numpy(rows_of(toy_world(8, 16)))
    rows[:4, 0] = torch.nan
    rows[2, 1] = torch.nan

    def gradient(rows):
        outputs.grad = None
        reader.loss(outputs, rows).backward()
        return outputs.grad.clone()

    slopes = gradient(rows)
    assert (slopes[:4, 0] == 0).all() and (slopes[4:, 0] != 0).all()
    assert (slopes[2, 1:4] == 0).all() and (slopes[3, 1:4] != 0).all()
    # The look-alike takes what is not known for a no.
    assert (gradient(rows.nan_to_num(0.0))[:4, 0] != 0).all()
    assert reader.loss(outputs, torch.full((8, 3), torch.nan)) == 0


def test_scales_make_a_sure_reader_doubt_and_config_builds_it_again():
    torch.manual_seed(0)
    reader = AttributeReader(IMAGE, FIELD, width=5)
    rows = torch.tensor([[0.0, 1, 0.2], [1, 2, 0.3]]).repeat(50, 1)
    outputs = 9 * FIELD.tensor(rows)
    outputs[::5] *= -1  # a fifth is wrong, and as sure
    reader.calibrate(outputs, rows)
    assert (reader.scale[:2] > 4).all()
    assert 0.6 < float(reader.agreements(outputs, rows)[1::5, 0].mean()) < 0.95
    again = AttributeReader.from_config(json.loads(json.dumps(reader.config())), FIELD)
    assert {k: v.shape for k, v in again.state_dict().items()} == {
        k: v.shape for k, v in reader.state_dict().items()
    }
    with pytest.raises(ValueError, match="other attributes"):
        AttributeReader.from_config(reader.config(), Attributes(("warm",)))


def test_shares_and_means_leave_out_what_is_not_known():
    rows = np.array([[1, 2, 0.2], [np.nan, 0, np.nan]], np.float32)
    read = np.array([[1, 1, 0.25], [1, 0, 0.1]], np.float32)
    outputs = 9 * FIELD.tensor(torch.from_numpy(read))
    outputs[:, -1] /= 9  # a number is not a logit
    right = AttributeReader(IMAGE, FIELD, width=5).right(outputs, torch.from_numpy(rows))
    assert right == {"warm": 1.0, "shape": 0.5, "height": 0.05}
    agreed = torch.tensor([[0.5, torch.nan, 1.0], [torch.nan] * 3])
    assert mean_known(agreed).tolist() == [0.75, 1.0]


def test_a_reader_of_places_sees_its_rows_move_with_the_image():
    toy = toy_world(24, 16)
    field = Mask(("background", *SHAPES), 16, 16)
    rows = np.stack([np.asarray(mask) for mask in toy.masks]).astype(np.uint8)
    # The image is its mask: they stay equal however they are moved, unless each is for itself.
    images = np.repeat(rows[..., None] * 40, 3, axis=3).astype(np.uint8)
    together = JointBatches(images, rows, field, np.arange(24), 0, flip=True, move=0.0)
    torch.manual_seed(3)
    pixels, beside = together.at(0, 24, torch.device("cpu"))
    shown = ((pixels[:, 0] + 1) * 127.5 / 40).round().long()
    assert torch.equal(shown, beside.long())
    torch.manual_seed(3)
    alone = RealBatches(images, np.arange(24), np.arange(24), 0, flip=True)
    apart, order = alone.at(0, 24, torch.device("cpu"))
    still = torch.from_numpy(rows)[order].long()
    assert not torch.equal(((apart[:, 0] + 1) * 127.5 / 40).round().long(), still)
    moved = JointBatches(images, rows, field, np.arange(24), 0, flip=True, move=0.2)
    pixels, beside = moved.at(0, 24, torch.device("cpu"))
    assert (((pixels[:, 0] + 1) * 127.5 / 40).round().long() == beside).float().mean() > 0.9
    assert not torch.equal(beside.long(), torch.from_numpy(rows).long())
