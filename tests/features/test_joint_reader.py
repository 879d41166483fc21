"""The reader of joints: it learns where they are, and what is hidden takes no part."""

import json

import numpy as np
import pytest
import torch
from toy_joints import hide
from toy_world import JOINTS, LIMBS, PAIRS, toy_world

from synthgen.features.joint_reader import JointReader, hits, reach_of
from synthgen.networks.baking import bake
from synthgen.quality.readers.reading import Reading
from synthgen.spec.image import ImageSpec, to_float
from synthgen.spec.maps import Keypoints
from synthgen.training.classifier import ClassifierSettings
from synthgen.training.field_reader import train_reader

SIDE = 16
FIELD = Keypoints(JOINTS, SIDE, SIDE, LIMBS, PAIRS)
IMAGE = ImageSpec(SIDE, SIDE, 3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A reader of 240 small scenes, of which some joints are hidden, with flips."""
    toy = toy_world(300, SIDE)
    settings = ClassifierSettings(2400, 24, True, 0, torch.device("cpu"), torch.float32)
    folder = tmp_path_factory.mktemp("reader")
    found = train_reader(
        toy.images, hide(toy), FIELD, np.arange(240), np.arange(240, 300), settings, folder
    )
    return found, toy


def test_it_finds_the_joints_of_fresh_images_and_denies_those_of_others(trained):
    found, toy = trained
    assert set(found.right) == set(JOINTS) and min(found.right.values()) > 0.8, found.right
    agreement = Reading(found.network, "keypoints")
    made = {"image": torch.from_numpy(toy.images[240:])}
    rows = torch.from_numpy(hide(toy)[240:])
    own = agreement.agreement(made, {"keypoints": rows})
    other = agreement.agreement(made, {"keypoints": rows.roll(1, 0)})
    assert own.min() >= 0 and own.max() <= 1 and own.mean() - other.mean() > 0.4
    np.testing.assert_allclose(found.agreements, own.numpy(), atol=1e-4)
    hidden = rows.clone()
    hidden[:, :, 2] = 0
    assert (agreement.agreement(made, {"keypoints": hidden}) == 1).all()
    assert "reader of joints on held-out real images: PCK@0.2 " in found.network.told(found.right)


def test_left_and_right_are_told_apart_in_the_mirror(trained):
    """With flips of images alone (the look-alike) left and right would be one to it."""
    found, toy = trained
    images = to_float(torch.from_numpy(toy.images[240:]))
    rows = torch.from_numpy(toy.keypoints[240:])
    with torch.no_grad():
        said = found.network.read(found.network(images.flip(3)))
    turned = FIELD.mirrored(rows)
    assert hits(said, turned).nanmean() > 0.8
    alike = rows.clone()
    alike[:, :, 0] = SIDE - 1 - alike[:, :, 0]
    assert hits(said, alike)[:, 1:].nanmean() < 0.3


def test_a_place_is_read_finer_than_the_maps_pixels():
    reader = JointReader(ImageSpec(64, 64, 1), Keypoints(("a", "b"), 64, 64), width=4)
    assert reader.halved
    rows = torch.tensor([[[10.3, 40.7, 1], [33, 5, 1]]])
    outputs = reader._targets(rows, torch.Size((1, 2, 32, 32))).log().reshape(1, 2, 32, 32)
    outputs = outputs.clamp(min=-30)
    assert (reader.read(outputs)[0, :, :2] - rows[0, :, :2]).abs().max() < 0.35
    assert reader.agreements(outputs, rows).min() > 0.99
    moved = rows.clone()
    moved[0, 0, 0] += 20
    near = reader.agreements(outputs, moved)
    assert near[0, 0] < 0.01 < 0.99 < near[0, 1]


def test_what_is_hidden_takes_no_part():
    torch.manual_seed(0)
    reader = JointReader(IMAGE, FIELD, width=4).eval()
    rows = torch.from_numpy(toy_world(6, SIDE).keypoints)
    rows[:, 2] = 0
    outputs = torch.randn(6, 5, SIDE, SIDE, requires_grad=True)
    reader.loss(outputs, rows).backward()
    assert not outputs.grad[:, 2].any() and outputs.grad[:, 1].abs().sum() > 0
    agreed = reader.agreements(outputs, rows)
    assert agreed[:, 2].isnan().all() and not agreed[:, [0, 1, 3, 4]].isnan().any()
    rows[:] = 0
    assert reader.loss(outputs, rows) == 0
    assert reader.right(outputs, rows) == {} and reader.by_part(rows.numpy(), rows.numpy()) == {}


def test_pck_is_of_the_box_around_the_joints():
    rows = torch.zeros(1, 5, 3)
    rows[0, :4] = torch.tensor([[2.0, 2, 1], [12, 2, 1], [2, 7, 1], [8, 7, 1]])
    assert reach_of(rows).tolist() == [2.0]
    said = rows.clone()
    said[0, :, 0] += torch.tensor([1.9, 2.0, -2.1, 0, 9])
    said[0, 3, 1] += 3
    assert hits(said, rows)[0, :4].tolist() == [1, 1, 0, 0] and hits(said, rows)[0, 4].isnan()
    reader = JointReader(IMAGE, FIELD, width=4)
    assert reader.measure == "PCK@0.2"
    both = np.concatenate([said.numpy(), rows.numpy()])
    parts = reader.by_part(both, np.concatenate([rows.numpy()] * 2))
    assert parts == {"top": (2, 1.0), "left": (2, 1.0), "right": (2, 0.5), "bottom left": (2, 0.5)}


def test_the_temperature_is_that_of_the_held_out_rows():
    reader = JointReader(IMAGE, FIELD, width=4)
    rows = torch.from_numpy(toy_world(30, SIDE).keypoints)
    outputs = reader._targets(rows, torch.Size((30, 5, SIDE, SIDE))).log().clamp(min=-30)
    outputs = outputs.reshape(30, 5, SIDE, SIDE)
    outputs[:, 1] *= 4  # too sure of itself
    reader.calibrate(outputs, rows)
    assert abs(float(reader.scale[1] / reader.scale[0]) - 4) < 0.6


@pytest.mark.parametrize("side", [8, 16, 28, 64, 200])
def test_it_comes_back_from_its_config_and_bakes(side):
    torch.manual_seed(0)
    field = Keypoints(JOINTS, side, side)
    reader = JointReader(ImageSpec(side, side, 1), field, width=4).eval()
    again = JointReader.from_config(json.loads(json.dumps(reader.config())), field).eval()
    again.load_state_dict(reader.state_dict())
    images = torch.rand(2, 1, side, side)
    with torch.no_grad():
        outputs = reader(images)
        torch.testing.assert_close(bake(again)(images), outputs, atol=1e-4, rtol=1e-3)
    rows = reader.read(outputs)
    assert rows.shape == (2, 5, 3) and rows[..., :2].min() >= -1 and rows[..., :2].max() <= side
    with pytest.raises(ValueError, match="other joints"):
        JointReader.from_config(reader.config(), Keypoints(("a",), side, side))
