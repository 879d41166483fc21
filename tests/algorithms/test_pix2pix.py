"""What makes pix2pix itself (Isola et al. 2017), each shown to fail on a look-alike."""

import numpy as np
import pytest
import torch
from loops import plain_loop
from rows import SIDES, from_maps
from torch import nn
from toy_world import toy_world

from synthgen.algorithms.registry import build, find
from synthgen.networks.unet import ConditionedPatches, UNet
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec, to_float
from synthgen.spec.task import Task
from synthgen.training.batches import Stream, TaskBatches
from synthgen.training.loop import Training

SIDE = 32
SPEC = ImageSpec(SIDE, SIDE, 3)
TASK = find("pix2pix").takes.task((), SPEC)
SMALL = {"width": 8, "width_d": 8, "lr": 2e-3}
TOY, FRESH = toy_world(32, SIDE), toy_world(16, SIDE, seed=1)


def trained(steps, network=None, seed=0, **options):
    """pix2pix after some steps on the toy world by night and by day."""
    torch.manual_seed(seed)
    algorithm = build("pix2pix", TASK, {**SMALL, **options})
    if network is not None:
        network(algorithm.networks["G"])
    columns = {"image": TOY.images, "source": TOY.twins}
    batches = TaskBatches(TASK, [Stream(columns, np.arange(32), 0)], flip=True)
    settings = plain_loop(images=10_000, batch_size=8)
    run = Training(algorithm, batches, settings)
    for _ in range(steps):
        run.step()
    return algorithm


@pytest.fixture(scope="module")
def learnt():
    return trained(100)


def drawn(algorithm, noise, rows=slice(None)):
    source = to_float(torch.from_numpy(FRESH.twins[rows]))
    with torch.no_grad():
        return algorithm.networks["G"](source, noise)


def wrong(algorithm):
    """L1 on fresh pairs, without noise."""
    noise = torch.zeros(len(FRESH), algorithm.networks["G"].noise)
    images = to_float(torch.from_numpy(FRESH.images))
    return float((drawn(algorithm, noise) - images).abs().mean())


def logits(network, swapped):
    source, image = (to_float(torch.from_numpy(x)) for x in (FRESH.twins, FRESH.images))
    with torch.no_grad():
        return network(source.roll(1, dims=0) if swapped else source, image)


def test_the_discriminator_tells_another_rows_source(learnt):
    network = learnt.networks["D"]
    gap = (logits(network, False) - logits(network, True)).abs().mean()
    assert gap > 0.05

    class LookAlike(nn.Module):
        """Judges the image alone."""

        def forward(self, maps, images):
            return network(torch.zeros_like(maps), images)

    assert torch.equal(logits(LookAlike(), False), logits(LookAlike(), True))


def test_skips_carry_detail(learnt):
    def without_skips(network):
        """The look-alike: nothing but the bottleneck between encoder and decoder."""
        network.beside = lambda features, skip: torch.cat([features, 0 * skip], dim=1)

    assert wrong(learnt) < 0.85 * wrong(trained(100, without_skips))


def test_the_pair_is_learnt_better_than_copying_the_source(learnt):
    copied = np.abs(FRESH.images.astype(float) - FRESH.twins).mean() / 127.5
    assert wrong(learnt) < 0.5 * copied


def test_candidates_of_a_row_differ_little_and_one_gives_the_same_bytes(learnt):
    size = learnt.networks["G"].noise
    assert learnt.latents["dropout"].shape == (size,)
    torch.manual_seed(0)
    noise = torch.randn(8, size)
    same = [drawn(learnt, noise[:1], slice(0, 1)) for _ in range(2)]
    assert torch.equal(*same)
    source = to_float(torch.from_numpy(FRESH.twins[:1])).expand(8, -1, -1, -1)
    with torch.no_grad():
        images = learnt.networks["G"](source, noise)
    spread = images.std(dim=0).mean()
    others = drawn(learnt, noise, slice(0, 8)).std(dim=0).mean()
    assert 0 < spread < 0.3 * others

    class LookAlike(UNet):
        """Draws its dropout where it likes: an image cannot be made again."""

        def forward(self, maps, noise):
            return super().forward(maps, torch.randn_like(noise))

    alike = LookAlike(3, SPEC, 8)
    with torch.no_grad():
        assert not torch.equal(alike(source, noise), alike(source, noise))


def test_an_image_does_not_depend_on_the_others_of_its_batch(learnt):
    noise = torch.randn(4, learnt.networks["G"].noise)
    together = drawn(learnt, noise, slice(0, 4))
    alone = drawn(learnt, noise[2:3], slice(2, 3))
    torch.testing.assert_close(together[2:3], alone, atol=1e-5, rtol=0)


def test_doubling_starts_without_a_checkerboard():
    torch.manual_seed(0)
    layer = UNet(1, ImageSpec(32, 32, 1), 8).ups[0]
    even = torch.ones(1, layer.in_channels, 4, 4)

    def uneven(layer):
        with torch.no_grad():
            inside = layer(even)[:, :, 2:-2, 2:-2]
        return float(inside.std(dim=(2, 3)).max())

    assert uneven(layer) < 1e-6
    torch.nn.init.normal_(layer.weight, std=0.02)  # the look-alike
    assert uneven(layer) > 1e-2


def test_a_channel_is_dropped_or_doubled_and_noughts_leave_all():
    network = UNet(3, ImageSpec(32, 32, 3), 4)
    assert network.dropped == (8,) and network.noise == 8  # one of three layers
    assert UNet(3, ImageSpec(256, 256, 3), 4).dropped == (32, 32, 16)  # three of six
    maps = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        mean = network(maps, torch.zeros(1, 8))
        plus = network(maps, torch.ones(1, 8))
        minus = network(maps, -torch.ones(1, 8))
        torch.testing.assert_close(network(maps, 0.1 * torch.ones(1, 8)), plus)
    assert not torch.equal(mean, plus) and not torch.equal(mean, minus)


@pytest.mark.parametrize(("height", "width"), SIDES)
@pytest.mark.parametrize("channels", [1, 3])
def test_sides_need_not_be_powers_of_two(height, width, channels):
    from_maps("pix2pix", {"width": 4, "width_d": 4}, height, width, channels)


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_patch_sees_as_many_pixels_as_the_paper_says(layers, patch, monkeypatch):
    # A norm sees the whole image.
    monkeypatch.setattr("synthgen.networks.unet.instance_norm", lambda features: features)
    net = ConditionedPatches(2, 2, layers).double()
    image = torch.rand(1, 1, 192, 192, dtype=torch.float64, requires_grad=True)
    found = net(torch.zeros_like(image), image)
    side = int(found.shape[1] ** 0.5)
    found[0, (side // 2) * side + side // 2].backward()
    rows = image.grad[0, 0].abs().sum(dim=1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == patch


def test_the_losses_are_the_papers():
    algorithm = build("pix2pix", TASK, SMALL)
    generator, discriminator = algorithm.phases
    assert {n: term.weight for n, term in generator.terms.items()} == {
        "adversarial": 1.0, "pixels": 100.0
    }  # fmt: skip
    assert [term.weight for term in discriminator.terms.values()] == [0.5]
    assert generator.hands_on == ("fake",)
    adam = build("pix2pix", TASK, {}).phases[0].optimizer
    assert (adam.lr, adam.betas) == (2e-4, (0.5, 0.999))
    lr = algorithm.schedules["lr"]
    assert [lr.at(p) for p in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]


def test_maps_of_another_size_and_images_without_a_patch_are_refused():
    with pytest.raises(SynthgenError, match="'small' and the image that is made have one size"):
        build("pix2pix", find("srgan").takes.task((), SPEC), SMALL)
    with pytest.raises(SynthgenError, match="8 px and more"):
        build("pix2pix", find("pix2pix").takes.task((), ImageSpec(4, 4, 3)), SMALL)
    nothing = Task({"image": Image(16, 16, 3)}, (), ("image",), (("image",),))
    with pytest.raises(SynthgenError, match="none given"):
        build("pix2pix", nothing, SMALL)
