"""What makes SPADE itself (Park et al. 2019), each shown to fail on a look-alike."""

import numpy as np
import pytest
import torch
from loops import plain_loop
from rows import SIDES, from_maps
from torch import nn
from torch.nn.functional import instance_norm
from toy_world import MASK_NAMES, toy_world

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build, find
from synthgen.networks.spade import LookingPatches, SpadeGenerator, nearest, packed
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec, to_float
from synthgen.spec.maps import Mask
from synthgen.spec.task import Task
from synthgen.training.batches import Stream, TaskBatches
from synthgen.training.loop import Training

SIDE = 16
SPEC = ImageSpec(SIDE, SIDE, 3)
TASK = find("spade").takes.task(MASK_NAMES, SPEC)
SMALL = {"width": 8, "width_d": 8, "hidden": 16, "latent": 8, "perceptual": 0.0}
TOY, FRESH = toy_world(48, SIDE), toy_world(16, SIDE, seed=1)


@pytest.fixture(scope="module")
def learnt():
    """SPADE after some steps on the toy world's masks."""
    torch.manual_seed(0)
    algorithm = build("spade", TASK, {**SMALL, "lr_g": 2e-3, "lr_d": 2e-3})
    columns = {"image": TOY.images, "mask": TOY.masks}
    batches = TaskBatches(TASK, [Stream(columns, np.arange(48), 0)], flip=True)
    settings = plain_loop(images=10_000, batch_size=8)
    run = Training(algorithm, batches, settings)
    for _ in range(50):
        run.step()
    return algorithm


def masks(rows=slice(None), toy=FRESH):
    return TASK.fields["mask"].tensor(torch.from_numpy(toy.masks[rows]))


def uniform(height, width):
    """Masks of one class each, one after another."""
    wanted = torch.arange(len(MASK_NAMES))[:, None, None].expand(-1, height, width)
    return Mask(MASK_NAMES, height, width).tensor(wanted)


class MapAsInput(nn.Module):
    """The look-alike: a network that reads the map as pix2pixHD does, with a norm after each
    convolution."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, padding_mode="reflect") for a, b in ((4, 16), (16, 16))
        )
        self.to_image = nn.Conv2d(16, 3, 3, padding=1, padding_mode="reflect")

    def forward(self, latents, maps):
        features = maps
        for layer in self.layers:
            features = torch.relu(instance_norm(layer(features)))
        return torch.tanh(self.to_image(features))


def test_a_map_of_one_value_reaches_the_image():
    torch.manual_seed(0)
    maps, z = uniform(SIDE, SIDE), torch.randn(1, 8).expand(4, -1)
    network = SpadeGenerator(4, SPEC, 8, 8, 16).eval()
    with torch.no_grad():
        drawn, alike = network(z, maps), MapAsInput()(z, maps)
    for one in range(1, 4):
        assert (drawn[one] - drawn[0]).abs().mean() > 0.05
        assert (alike[one] - alike[0]).abs().max() < 1e-5


def test_every_block_is_told_the_map():
    torch.manual_seed(0)
    network = SpadeGenerator(4, SPEC, 8, 4, 8).eval()
    assert network.sizes == ((4, 4), (8, 8), (16, 16))
    z = torch.randn(1, 8)
    heard = [[] for _ in network.blocks]
    for block, told in zip(network.blocks, heard, strict=True):
        block.register_forward_pre_hook(lambda _, inputs, told=told: told.append(inputs[1]))
    with torch.no_grad():
        network(z, masks(slice(0, 1)))
    for (told,), size in zip(heard, network.sizes, strict=True):
        assert told.shape == (1, 4, *size)
        # One class at each place: a mean of neighbours would be a class that nobody drew.
        assert torch.equal(told.max(dim=1).values, torch.ones(1, *size))
        assert torch.equal(told, nearest(masks(slice(0, 1)), size))


def test_the_latent_reaches_the_image_and_one_candidate_gives_the_same_bytes(learnt):
    maps = masks(slice(0, 1)).expand(8, -1, -1, -1)
    z = torch.randn(8, 8)
    network = learnt.networks["G"].eval()
    with torch.no_grad():
        drawn = network(z, maps)
        assert torch.equal(drawn, network(z, maps))
        alone = network(z[3:4], maps[:1])
    assert drawn.std(dim=0).mean() > 0.01
    torch.testing.assert_close(drawn[3:4], alone, atol=1e-5, rtol=0)


def test_the_discriminators_tell_another_rows_mask(learnt):
    images = to_float(torch.from_numpy(FRESH.images))
    for name in ("D", "D_half"):
        network = learnt.networks[name].eval()
        with torch.no_grad():
            told = network(masks(), images)
            swapped = network(masks().roll(1, dims=0), images)
            deaf = [network(torch.zeros_like(m), images) for m in (masks(), masks().roll(1, 0))]
        assert (told - swapped).abs().mean() > 0.05, name
        assert torch.equal(*deaf)


def test_the_image_follows_its_mask(learnt):
    network = learnt.networks["G"].eval()
    images = to_float(torch.from_numpy(FRESH.images))
    with torch.no_grad():
        torch.manual_seed(0)
        z = torch.randn(len(FRESH), 8)
        own = (network(z, masks()) - images).abs().mean()
        others = (network(z, masks().roll(1, dims=0)) - images).abs().mean()
    assert own < others


def of(algorithm, images, fakes, maps):
    """The tensors of one step, of these fakes in place of G's."""
    given = {"image": images, "mask": maps, "fake": fakes, "z": torch.zeros(len(images), 8)}
    return Tensors(algorithm.networks, algorithm.tensors, given, {}, lambda x: x)


def test_feature_matching_is_nought_for_equal_images_and_the_papers_mean_else(learnt):
    images, maps = to_float(torch.from_numpy(FRESH.images)), masks()
    matching = learnt.phases[0].terms["matching"].formula
    for network in learnt.networks.values():
        network.eval()
    assert matching(of(learnt, images, images.clone(), maps)) == 0
    other = images.flip(3)
    expected = []
    for name in ("D", "D_half"):
        network = learnt.networks[name]
        pairs = zip(network.features(maps, images), network.features(maps, other), strict=True)
        layers = [(a - b).abs().mean() for a, b in list(pairs)[:-1]]
        expected.append(sum(layers) / len(layers))
    found = matching(of(learnt, images, other, maps))
    torch.testing.assert_close(found, sum(expected) / 2)


def test_feature_matching_moves_the_generator_alone(learnt):
    images, maps = to_float(torch.from_numpy(FRESH.images)), masks()
    fakes = images.flip(3).requires_grad_(True)
    images = images.clone().requires_grad_(True)
    learnt.phases[0].terms["matching"].formula(of(learnt, images, fakes, maps)).backward()
    assert fakes.grad.abs().sum() > 0 and images.grad is None


@pytest.mark.parametrize(("height", "width"), SIDES)
@pytest.mark.parametrize("channels", [1, 3])
def test_sides_need_not_be_powers_of_two(height, width, channels):
    algorithm, t = from_maps(
        "spade", {"width": 4, "width_d": 4, "hidden": 4, "latent": 3}, height, width, channels
    )
    for name in ("D", "D_half"):
        network = algorithm.networks[name]
        plain = network(t["maps"], t["image"])
        assert plain.shape == (2, network.patches(height, width)) == t[f"real_logits_{name}"].shape


def test_layers_count_alike_in_what_is_packed():
    network = LookingPatches(4, 4, 2, 0)
    layers = network.features(torch.rand(2, 1, 16, 16), torch.rand(2, 3, 16, 16))
    found = packed(layers).abs().sum(dim=1)
    wanted = sum(layer.abs().flatten(1).mean(dim=1) for layer in layers[:-1]) / len(layers[:-1])
    torch.testing.assert_close(found, wanted)


def test_the_losses_are_the_papers():
    algorithm = build("spade", TASK, {})
    generator, discriminator = algorithm.phases
    assert {n: term.weight for n, term in generator.terms.items()} == {
        "hinge": 1.0, "matching": 10.0, "perceptual": 10.0
    }  # fmt: skip
    assert discriminator.trains == ("D", "D_half")
    rates = [(p.optimizer.lr, p.optimizer.betas) for p in algorithm.phases]
    assert rates == [(1e-4, (0.0, 0.999)), (4e-4, (0.0, 0.999))]
    lr = algorithm.schedules["lr"]
    assert [lr.at(p) for p in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]


def test_tasks_without_maps_and_maps_of_another_size_are_refused():
    with pytest.raises(SynthgenError, match="'small' and the image that is made have one size"):
        build("spade", find("srgan").takes.task((), SPEC), SMALL)
    with pytest.raises(SynthgenError, match=r"spade: images of .*8 px and more"):
        build("spade", find("spade").takes.task((), ImageSpec(4, 4, 3)), SMALL)
    nothing = Task({"image": Image(16, 16, 3)}, (), ("image",), (("image",),))
    with pytest.raises(SynthgenError, match="none given"):
        build("spade", nothing, SMALL)
