"""Solids made from views, from latents and from silhouettes: tensors, what depends on what, and
what is learnt within seconds."""

from dataclasses import replace

import pytest
import torch
from toy_world import toy_world

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.prgan import direction
from synthgen.algorithms.registry import build, find
from synthgen.networks.placement import place
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image, Label
from synthgen.spec.image import ImageSpec, quantise
from synthgen.spec.projection import hull, overlap, pictures, silhouettes
from synthgen.spec.solids import Views, Voxels
from synthgen.spec.task import Task

TINY = {"width": 4, "width_d": 4, "latent": 4, "embedding": 4}
TURNS = (0.0, 90.0, 180.0, 270.0)


def task(name="voxel", side=16, channels=1):
    return find(name).takes.task(("a", "b"), ImageSpec(side, side, channels))


def noise(side=8):
    fields = {"image": Image(16, 16, 1), "voxels": Voxels(side), "label": Label(("a", "b"))}
    return Task(
        fields, ("label",), ("image", "voxels"), (("image", "voxels", "label"),), {}, "label"
    )


def tensors(algorithm, given, seed=0):
    torch.manual_seed(seed)
    count = len(given["condition"])
    known = {n: torch.randn(count, *shape.shape) for n, shape in algorithm.latents.items()}
    scalars = {name: schedule.at(0) for name, schedule in algorithm.schedules.items()}
    return Tensors(algorithm.networks, algorithm.tensors, {**known, **given}, scalars, lambda x: x)


def rows(count=6):
    """Solids of the toy world as networks take them, with their views."""
    solids = torch.from_numpy(toy_world(count, 16).voxels)
    seen = (silhouettes(solids, TURNS, 8, 8).byte() * 255)[..., None]
    return {
        "voxels": Voxels(8).tensor(solids),
        "views": Views(4, 8, 8, 1, TURNS).tensor(seen),
        "image": pictures(solids, 16, 16).permute(0, 3, 1, 2) / 127.5 - 1,
        "condition": torch.arange(count) % 2,
    }


@pytest.mark.parametrize("side", [10, 12, 16, 44])
def test_solids_of_any_side_are_made_from_views_and_from_latents(side):
    made = build("voxel", task(side=side), TINY)
    views = torch.rand(2, 4, side // 2, side // 2) * 2 - 1
    logits = made.networks["G"](views, torch.randn(2, 4))
    assert logits.shape == (2, 1, *[side // 2] * 3)
    free = build("voxel", noise(side // 2), TINY)
    logits = free.networks["G"](torch.randn(2, 4), torch.tensor([0, 1]))
    assert logits.shape == (2, 1, *[side // 2] * 3)


def test_the_picture_is_that_of_the_voxels_which_are_stored():
    algorithm = build("voxel", task(), TINY)
    found = tensors(algorithm, rows())
    stored, finite = Voxels(8).rows(found["solid"])
    assert finite.all()
    assert torch.equal(quantise(found["picture"])[0], pictures(stored, 16, 16))


def test_the_solid_depends_on_its_views_and_their_angles_not_on_others_of_the_batch():
    algorithm, given = build("voxel", task(), TINY), rows()
    latent = {"z": torch.zeros(6, 4)}
    whole = tensors(algorithm, {**given, **latent})["logits"]
    part = {name: value[:2] for name, value in {**given, **latent}.items()}
    assert torch.allclose(tensors(algorithm, part)["logits"], whole[:2], atol=1e-5)
    other = {**given, **latent, "views": given["views"].roll(1, 1)}
    assert (tensors(algorithm, other)["logits"] - whole).abs().max() > 1e-4


def test_the_discriminator_sees_the_solid_beside_its_views():
    algorithm, given = build("voxel", task(), TINY), rows()
    own = tensors(algorithm, given)["real_logits"]
    swapped = tensors(algorithm, {**given, "views": given["views"].roll(1, 0)})["real_logits"]
    assert own.shape == (6,) and (own - swapped).abs().max() > 1e-5
    free = build("voxel", noise(), TINY)
    labels = (
        tensors(free, given)["real_logits"],
        tensors(free, {**given, "condition": 1 - given["condition"]})["real_logits"],
    )
    assert (labels[0] - labels[1]).abs().max() > 1e-5


def test_pairs_teach_more_than_the_hull_knows():
    """From one side the hull reaches through the whole grid; a network that has seen solids knows
    how thick they are."""
    torch.manual_seed(0)
    solids = torch.from_numpy(toy_world(30, 16).voxels)
    front = Views(1, 8, 8, 1, (0.0,))
    seen = (silhouettes(solids, (0.0,), 8, 8).byte() * 255)[..., None]
    views, wanted = front.tensor(seen), Voxels(8).tensor(solids)
    pairs = task()
    pairs = replace(pairs, fields={**pairs.fields, "views": front})
    algorithm = build("voxel", pairs, {**TINY, "width": 8})
    net = algorithm.networks["G"]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    term = next(p for p in algorithm.phases if p.name == "G").terms["voxels"]
    for _ in range(50):
        known = tensors(algorithm, {"views": views[:20], "voxels": wanted[:20],
                                    "condition": torch.zeros(20, dtype=torch.int64)})  # fmt: skip
        optimizer.zero_grad()
        (term.weight * term.formula(known)).backward()
        optimizer.step()
    with torch.no_grad():
        made = net(views[20:], torch.zeros(10, 4))[:, 0] > 0
    plain = overlap(hull(seen[20:], (0.0,), 8) > 0, solids[20:] > 0).mean()
    assert overlap(made, solids[20:] > 0).mean() > plain + 0.1


def test_silhouettes_are_of_the_direction_that_was_drawn():
    algorithm = build("prgan", task("prgan"), {**TINY, "density": 5.0})
    given = {"condition": torch.zeros(8, dtype=torch.int64)}
    found = tensors(algorithm, given)
    angles = direction(found["view"], 8)
    assert set((angles / 45).tolist()) <= set(range(8)) and len(set(angles.tolist())) > 2
    stored, _ = Voxels(8).rows(found["solid"])
    for row, angle in enumerate(angles.tolist()):
        seen = silhouettes(stored[row : row + 1], (angle,), 16, 16)[0]
        assert torch.equal(found["silhouette"][row] > 0, seen)
    dark = build("prgan", task("prgan"), {**TINY, "dark": True, "density": 5.0})
    dark.networks["G"].load_state_dict(algorithm.networks["G"].state_dict())
    assert torch.equal(tensors(dark, given)["silhouette"], -found["silhouette"])


def test_directions_are_as_likely_as_each_other():
    drawn = torch.randn(8000, 2, generator=torch.Generator().manual_seed(1))
    counts = torch.bincount((direction(drawn, 8) / 45).round().long(), minlength=8)
    assert counts.min() > 850 and len(counts) == 8
    free = direction(drawn, 0)
    assert free.min() >= 0 and free.max() < 360 and len(free.unique()) > 7000


def test_gradients_of_the_discriminator_reach_all_of_the_generator():
    algorithm = build("prgan", task("prgan"), TINY)
    found = tensors(algorithm, {"condition": torch.tensor([0, 1, 0])})
    found["fake_logits"].sum().backward()
    net = algorithm.networks["G"]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_networks_of_volumes_find_their_place():
    net = build("voxel", task(), TINY).networks["G"]
    assert place(net, torch.device("cpu")) is net


@pytest.mark.parametrize(
    ("name", "what", "said"),
    [
        ("voxel", task("prgan"), "--algorithm prgan"),
        ("prgan", noise(), "--algorithm voxel"),
        ("prgan", task("voxel"), "takes no map"),
    ],
)
def test_a_task_for_the_other_one_is_refused_in_one_line(name, what, said):
    with pytest.raises(SynthgenError, match=said):
        build(name, what, TINY)
