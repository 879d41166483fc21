"""What makes PG2 itself (Ma et al. 2017), each shown to fail on a look-alike."""

import numpy as np
import pytest
import torch
from loops import plain_loop
from toy_world import JOINTS, LIMBS, MASK_NAMES, PAIRS, toy_world

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build, find
from synthgen.losses.pose import masked_error, pose_mask, spread
from synthgen.networks.unet import StyledUNet
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec, to_float
from synthgen.spec.maps import Keypoints
from synthgen.spec.task import Task
from synthgen.training.batches import Stream, TaskBatches
from synthgen.training.loop import Training

SIDE = 16
BODY = Keypoints(JOINTS, SIDE, SIDE, LIMBS, PAIRS)
TASK = Task(
    {"image": Image(SIDE, SIDE, 3), "keypoints": BODY},
    ("keypoints",), ("image",), (("image", "keypoints"),),
)  # fmt: skip
SMALL = {"width": 8, "width_d": 8, "latent": 8}
TOY, FRESH = toy_world(48, SIDE), toy_world(16, SIDE, seed=1)
ROWS = torch.from_numpy(FRESH.keypoints)


def trained(steps=120, **options):
    torch.manual_seed(0)
    algorithm = build("pose", TASK, {**SMALL, "lr": 2e-3, **options})
    columns = {"image": TOY.images, "keypoints": TOY.keypoints}
    batches = TaskBatches(TASK, [Stream(columns, np.arange(48), 0)], flip=True)
    settings = plain_loop(images=steps * 8, batch_size=8)
    run = Training(algorithm, batches, settings)
    stage_1 = {}
    for step in range(steps):
        if step == int(0.3 * steps):
            stage_1 = {k: v.clone() for k, v in algorithm.networks["G1"].state_dict().items()}
            stage_1 |= {"D": algorithm.networks["D"].first.weight.clone()}
        run.step()
    for network in algorithm.networks.values():
        network.eval()
    return algorithm, stage_1


@pytest.fixture(scope="module")
def learnt():
    """PG2 after some steps on the toy world's joints, and its weights when stage 2 began."""
    return trained()


def latents(seed=0):
    return torch.randn(len(FRESH), 8, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def drawn(algorithm, rows, z, name="fake"):
    given = {"keypoints": BODY.tensor(rows), "z": z}
    return Tensors(algorithm.networks, algorithm.tensors, given, {}, lambda x: x)[name]


def moved(joint):
    """The joints with one of them elsewhere, and ``bool [N, S, S]``: near where it was and is."""
    rows = ROWS.clone()
    rows[:, joint, 0] += torch.where(rows[:, joint, 0] > SIDE / 2, -3.0, 3.0)
    down, across = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    near = torch.zeros(len(rows), SIDE, SIDE, dtype=torch.bool)
    for each in (ROWS, rows):
        x, y = (each[:, joint, axis, None, None] for axis in (0, 1))
        near |= (across - x) ** 2 + (down - y) ** 2 < 9
    return rows, near


def local(change, joint):
    """How far an image changes near a joint that has moved, for what it changes elsewhere."""
    rows, near = moved(joint)
    gap = change(rows)
    inside = (gap * near).sum() / near.sum()
    return float(inside / ((gap * ~near).sum() / (~near).sum()).clamp(min=1e-9))


def test_moving_a_joint_changes_the_image_near_its_place_most(learnt):
    algorithm, _ = learnt

    def change(rows):
        before, after = (drawn(algorithm, each, latents()) for each in (ROWS, rows))
        return (after - before).abs().mean(dim=1)

    def alike(rows):
        """A generator that is told the pose as numbers alone, by the gains of its norms."""
        torch.manual_seed(0)
        network = StyledUNet(1, ImageSpec(SIDE, SIDE, 3), 8, 15).eval()
        nothing = torch.zeros(len(rows), 1, SIDE, SIDE)
        with torch.no_grad():
            made = [network(nothing, each.flatten(1)) for each in (ROWS, rows)]
        return (made[1] - made[0]).abs().mean(dim=1)

    for joint in range(len(JOINTS)):
        assert local(change, joint) > 1.5, JOINTS[joint]
    assert min(local(alike, joint) for joint in range(len(JOINTS))) < 1.5


def test_a_mirrored_row_has_its_left_joint_where_the_right_one_was(learnt):
    algorithm, _ = learnt
    turned = BODY.mirrored(ROWS)
    for left, right in PAIRS:
        assert torch.equal(turned[:, left, 0], SIDE - 1 - ROWS[:, right, 0])
        assert torch.equal(turned[:, left, 1:], ROWS[:, right, 1:])
    heat = BODY.tensor(ROWS)
    wanted = heat.flip(3)[:, [0, 2, 1, 4, 3]]
    torch.testing.assert_close(BODY.tensor(turned), wanted, atol=1e-5, rtol=1e-5)
    nameless = Keypoints(JOINTS, SIDE, SIDE, LIMBS)  # the look-alike: no sides
    assert (nameless.tensor(nameless.mirrored(ROWS)) - wanted).abs().max() > 0.5
    # What was trained with flips draws both alike; with the sides mixed up it draws something else.
    z = latents()
    own = drawn(algorithm, ROWS, z, "coarse").flip(3)
    gap = (drawn(algorithm, turned, z, "coarse") - own).abs().mean()
    mixed = (drawn(algorithm, nameless.mirrored(ROWS), z, "coarse") - own).abs().mean()
    assert gap < mixed


def test_a_hidden_joint_leaves_its_channel_empty_and_others_alone():
    rows = ROWS.clone()
    rows[:, 1, 2] = 0
    heat, whole = BODY.tensor(rows), BODY.tensor(ROWS)
    assert not heat[:, 1].any() and whole[:, 1].amax(dim=(1, 2)).min() > 0.5
    others = [0, 2, 3, 4]
    assert torch.equal(heat[:, others], whole[:, others])
    rows[:, 1, :2] = -1  # wherever a hidden one is said to be
    assert not BODY.tensor(rows)[:, 1].any()


def test_several_people_have_one_pose_and_without_the_term_hardly(learnt):
    algorithm, _ = learnt
    plain, _ = trained(diversity=0, pixels=20)

    def apart(of):
        return float((drawn(of, ROWS, latents()) - drawn(of, ROWS, latents(1))).abs().mean())

    assert apart(algorithm) > 3 * apart(plain)
    again = drawn(algorithm, ROWS, latents())
    assert torch.equal(again, drawn(algorithm, ROWS, latents()))


def test_stage_1_is_left_alone_once_stage_2_has_begun(learnt):
    algorithm, stage_1 = learnt
    now = algorithm.networks["G1"].state_dict()
    assert all(torch.equal(now[key], stage_1[key]) for key in now)
    torch.manual_seed(0)
    begun = build("pose", TASK, {**SMALL, "lr": 2e-3})
    assert torch.equal(begun.networks["D"].first.weight, stage_1["D"])  # D waits
    assert not torch.equal(algorithm.networks["D"].first.weight, stage_1["D"])
    assert algorithm.last_start == 0.3
    real = to_float(torch.from_numpy(FRESH.images))
    own = (drawn(algorithm, ROWS, latents(), "coarse") - real).abs().mean()
    assert own < (drawn(algorithm, ROWS.roll(1, 0), latents(), "coarse") - real).abs().mean()


def test_the_discriminator_tells_another_rows_joints(learnt):
    network = learnt[0].networks["D"]
    images, heat = to_float(torch.from_numpy(FRESH.images)), BODY.tensor(ROWS)
    with torch.no_grad():
        told, swapped = network(heat, images), network(heat.roll(1, 0), images)
    assert (told - swapped).abs().mean() > 0.02


def test_the_mask_is_where_limbs_are():
    rows = torch.tensor([[[2.0, 2, 1], [12, 2, 1], [12, 12, 1], [3, 12, 0], [8, 8, 0]]])
    mask = pose_mask(BODY.tensor(rows), ((0, 1), (1, 2), (2, 3)), 1.0)[0, 0]
    wanted = torch.zeros(SIDE, SIDE)
    wanted[1:4, 2:13] = 1
    wanted[2:13, 11:14] = 1
    wanted[2, [1, 13]] = 1
    wanted[[1, 13], 12] = 1
    wanted[1, [11, 13]] = torch.tensor([1.0, 0.0])  # round ends
    assert torch.equal(mask, wanted)
    assert not pose_mask(torch.zeros(1, 5, SIDE, SIDE), LIMBS, 3.0).any()


def test_losses_are_the_papers():
    made, real = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    mask = torch.zeros(2, 1, 4, 4)
    mask[:, :, :2] = 1
    assert masked_error(made, real, mask) == 1.5
    z = torch.zeros(2, 8)
    one = torch.tensor(1.0)
    assert spread(made, real, z, z + 0.5, one) == 2
    assert spread(made, real, z, z + 0.5, one / 4) == 0.5  # no further than the bound
    phases = {phase.name: phase for phase in build("pose", TASK, SMALL).phases}
    assert {n: t.weight for n, t in phases["G2"].terms.items()} == {
        "adversarial": 1, "pixels": 1, "diversity": 2,
    }  # fmt: skip
    assert [phases[name].window for name in ("G1", "G2", "D")] == [(0, 0.3), (0.3, 1), (0.3, 1)]
    image = Image(SIDE, SIDE, 3)
    fields = {"image": image, "keypoints": BODY, "source": image}
    both = Task(fields, ("keypoints", "source"), ("image",), (tuple(fields),))
    given = build("pose", both, SMALL)
    assert {n: t.weight for n, t in given.phases[1].terms.items()} == {
        "adversarial": 1, "pixels": 10,
    }  # fmt: skip
    assert given.inputs == ("keypoints", "source")
    assert given.networks["G1"].downs[0].in_channels == 5 + 3


@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (48, 33), (96, 64)])
def test_sides_need_not_be_powers_of_two_and_the_latent_always_reaches(height, width):
    torch.manual_seed(0)
    spec = ImageSpec(height, width, 1)
    algorithm = build("pose", find("pose").takes.task((), spec), SMALL)
    given = {
        "keypoints": torch.rand(2, 5, height, width), "image": torch.rand(2, 1, height, width),
        "z": torch.randn(2, 8),
    }  # fmt: skip
    t = Tensors(algorithm.networks, algorithm.tensors, given, {}, lambda x: x)
    assert t["fake"].shape == (2, 1, height, width) and t["fake"].dtype == torch.float32
    assert t["mask"].shape == (2, 1, height, width)
    terms = [term for phase in algorithm.phases for term in phase.terms.values()]
    assert all(term.formula(t).isfinite() for term in terms)
    network, maps = algorithm.networks["G2"], torch.rand(1, 6, height, width)
    with torch.no_grad():
        assert (network(maps, given["z"][:1]) - network(maps, given["z"][1:])).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["pix2pix", "spade"])
def test_other_algorithms_of_maps_take_joints(name):
    small = {
        "width": 4,
        "width_d": 4,
        **({"hidden": 4, "perceptual": 0} if name == "spade" else {}),
    }
    algorithm = build(name, TASK, small)
    given = {"keypoints": BODY.tensor(ROWS)}
    for latent, shape in algorithm.latents.items():
        given[latent] = torch.randn(len(ROWS), *shape.shape)
    made = Tensors(algorithm.networks, algorithm.tensors, given, {}, lambda x: x)["fake"]
    assert made.shape == (len(ROWS), 3, SIDE, SIDE)


def test_tasks_without_joints_are_refused():
    with pytest.raises(SynthgenError, match="pose makes images from joints"):
        build("pose", find("spade").takes.task(MASK_NAMES, ImageSpec(SIDE, SIDE, 3)), SMALL)
    with pytest.raises(SynthgenError, match=r"pose: images of .*8 px and more"):
        build("pose", find("pose").takes.task((), ImageSpec(4, 4, 3)), SMALL)
