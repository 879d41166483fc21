"""What makes ProGAN itself (Karras et al. 2017)."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.progan import growth
from synthgen.algorithms.registry import build
from synthgen.networks.equalized import (
    EqualConv2d,
    EqualLinear,
    minibatch_deviation,
    pixel_norm,
)
from synthgen.networks.progressive import at_lod
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image

TASK = label_to_image(("a", "b"), ImageSpec(32, 32, 3))
SMALL = {"width": 8, "widest": 16, "latent": 8}


@pytest.fixture
def pair():
    torch.manual_seed(0)
    return {k: v.eval() for k, v in build("progan", TASK, SMALL).networks.items()}


def drawn(generator, lod, z):
    generator.lod.fill_(lod)
    return generator(z, torch.zeros(len(z), dtype=torch.int64))


def judged(discriminator, lod, images):
    discriminator.lod.fill_(lod)
    return discriminator(images, torch.zeros(len(images), dtype=torch.int64))


def test_at_lod_one_the_image_is_the_smaller_one_doubled(pair):
    z = torch.randn(2, 8, dtype=torch.float32)
    image = drawn(pair["G"], 1.0, z)
    small = avg_pool2d(image, 2)
    assert torch.allclose(interpolate(small, scale_factor=2.0), image, atol=1e-6)
    # The look-alike without fading is not.
    full = drawn(pair["G"], 0.0, z)
    assert not torch.allclose(interpolate(avg_pool2d(full, 2), scale_factor=2.0), full, atol=1e-3)


@pytest.mark.parametrize("level", [0.0, 1.0, 2.0])
def test_the_image_is_continuous_in_lod_and_linear_within_a_level(pair, level):
    z = torch.randn(2, 8, dtype=torch.float32)
    ends = drawn(pair["G"], level, z), drawn(pair["G"], level + 1, z)
    assert not torch.allclose(*ends, atol=1e-4)
    for share in (0.25, 0.5):
        between = drawn(pair["G"], level + share, z)
        assert torch.allclose(between, torch.lerp(*ends, share), atol=1e-4)
    near = drawn(pair["G"], level + 1 - 1e-6, z)
    assert torch.allclose(near, ends[1], atol=1e-4)


def test_at_lod_one_the_discriminator_is_blind_to_detail_of_two_pixels(pair):
    images = torch.rand(4, 3, 32, 32, dtype=torch.float32)
    detail = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float32).repeat(16, 16)
    plain, detailed = (judged(pair["D"], 1.0, x) for x in (images, images + 0.3 * detail))
    assert torch.allclose(plain, detailed, atol=1e-6)
    plain, detailed = (judged(pair["D"], 0.0, x) for x in (images, images + 0.3 * detail))
    assert not torch.allclose(plain, detailed, atol=1e-4)


def test_the_discriminator_is_continuous_in_lod(pair):
    images = torch.rand(4, 3, 32, 32, dtype=torch.float32)
    for level in (1.0, 2.0):
        below, at, above = (judged(pair["D"], level + e, images) for e in (-1e-6, 0.0, 1e-6))
        assert torch.allclose(below, at, atol=1e-3) and torch.allclose(above, at, atol=1e-3)


def test_reals_are_faded_like_fakes():
    images = torch.rand(2, 3, 32, 32, dtype=torch.float32)
    one = interpolate(avg_pool2d(images, 2), scale_factor=2.0)
    assert torch.equal(at_lod(images, 0.0), images)
    assert torch.allclose(at_lod(images, 1.0), one)
    assert torch.allclose(at_lod(images, 0.25), torch.lerp(images, one, 0.25))


def test_stored_weights_have_unit_variance_for_every_fan_in():
    torch.manual_seed(0)
    for network in build("progan", TASK, {}).networks.values():
        layers = [m for m in network.modules() if isinstance(m, EqualConv2d | EqualLinear)]
        assert len({layer.weight[0].numel() for layer in layers}) > 3
        for layer in layers:
            if layer.weight.numel() > 2000:
                assert abs(layer.weight.std().item() - 1.0) < 0.1
    plain = torch.nn.Conv2d(64, 64, 3)
    assert abs(plain.weight.std().item() - 1.0) > 0.5


def test_minibatch_deviation_is_nought_for_identical_images_only():
    same = torch.randn(1, 3, 4, 4).expand(8, 3, 4, 4)
    assert torch.allclose(minibatch_deviation(same)[:, 3], torch.zeros(8, 4, 4), atol=1e-7)
    varied = torch.randn(8, 3, 4, 4, dtype=torch.float32)
    plane = minibatch_deviation(varied, group=8)[:, 3]
    expected = varied.std(dim=0, correction=0).mean()
    assert torch.allclose(plane, expected.expand(8, 4, 4), atol=1e-3)


def test_pixel_norm_brings_every_pixel_to_unit_mean_square():
    normed = pixel_norm(100 * torch.randn(2, 16, 3, 3))
    assert torch.allclose(normed.square().mean(dim=1), torch.ones(2, 3, 3), atol=1e-4)


def test_growth_has_a_stable_period_before_each_fade():
    lod, starts = growth(levels=2, grown_at=0.8)
    values = [round(lod.at(p / 10), 6) for p in range(11)]
    assert values == [2, 2, 2, 1.5, 1, 1, 1, 0.5, 0, 0, 0]
    assert starts == pytest.approx((0.2, 0.6))
    phases = build("progan", TASK, SMALL).phases
    assert all(phase.resets == growth(3, 0.5)[1] for phase in phases)


def shown_to_the_discriminator(side, lod, real=None):
    """What D's phase shows D at this ``lod``: the sizes of all batches, and the real one."""
    algorithm = build("progan", of_side(side), SMALL)
    canvas, shapes, seen = algorithm.networks["D"].canvas, set(), []
    covered = type(canvas).cover

    def cover(self, images):
        shapes.add(tuple(images.shape[2:]))
        seen.append(images)
        return covered(self, images)

    given = {"condition": torch.tensor([0, 1]), "z": torch.randn(2, 8, dtype=torch.float32)}
    given["image"] = torch.rand(2, 3, side, side) * 2 - 1 if real is None else real
    for network in algorithm.networks.values():
        network.lod.fill_(lod)
    t = Tensors(algorithm.networks, algorithm.tensors, given, {"lod": lod}, lambda x: x)
    _ = t["real"]
    phase = next(p for p in algorithm.phases if p.name == "D")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(canvas), "cover", cover)
        for term in phase.terms.values():
            term.formula(t)
    return shapes, t["real"]


def of_side(side):
    return label_to_image(("a", "b"), ImageSpec(side, side, 3))


@pytest.mark.parametrize("side", [30, 33, 50])
@pytest.mark.parametrize("lod", [0.0, 0.5, 1.0])
def test_reals_fakes_and_what_is_penalised_have_one_size_at_odd_sides(side, lod):
    shapes, _ = shown_to_the_discriminator(side, lod)
    # D covers reals, fakes and what lies between: canvas-sized ones would be padded once more.
    assert shapes == {(side, side)}


@pytest.mark.parametrize("side", [30, 33, 50])
def test_at_odd_sides_a_real_image_like_a_fake_has_the_fakes_pixels(side):
    generator = build("progan", of_side(side), SMALL).networks["G"].eval()
    z = torch.randn(2, 8, dtype=torch.float32)
    fake = drawn(generator, 1.0, z).detach()
    # Blocks of two on the canvas; at the border a block may lie half outside of the image.
    again = shown_to_the_discriminator(side, 1.0, fake)[1]
    assert again.shape == fake.shape
    assert torch.allclose(again, fake, atol=1e-5)
    sharp = torch.rand(2, 3, side, side)
    assert torch.equal(shown_to_the_discriminator(side, 0.0, sharp)[1], sharp)
