"""What makes SPADE itself (Park et al. 2019), each shown to fail on a look-alike."""

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build, find
from synthgen.algorithms.spade import matched
from synthgen.networks.spade import MapGains, MapGenerator
from synthgen.networks.unet import UNet
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask
from synthgen.spec.task import Task

SMALL = {"latent": 8, "width": 4, "hidden": 8, "width_d": 4}
SPEC = ImageSpec(32, 32, 3)


def tensors(algorithm, task, seed=0, **changes):
    """Named tensors of two rows."""
    torch.manual_seed(seed)
    image, mask = task.fields["image"], task.fields["mask"]
    shape = (2, image.height, image.width)
    given = {
        "mask": mask.tensor(torch.randint(len(mask.names), shape)),
        "image": torch.rand(2, image.channels, *shape[1:]) * 2 - 1,
        "z": torch.randn(2, SMALL["latent"]),
    }
    known = {**given, **changes}
    return Tensors(algorithm.networks, algorithm.tensors, known, {}, lambda x: x)


def built(spec=SPEC, **options):
    task = find("spade").takes.task((), spec)
    torch.manual_seed(0)
    return build("spade", task, {**SMALL, "perceptual": 0.0, **options}), task


def reached(network, first, second):
    """How far outputs under two maps of one value each differ."""
    with torch.no_grad():
        return float((network(first) - network(second)).abs().max())


def test_a_uniform_mask_reaches_the_output():
    first, second = torch.zeros(1, 2, 32, 32), torch.zeros(1, 2, 32, 32)
    first[:, 0], second[:, 1] = 1, 1
    torch.manual_seed(0)
    network = MapGenerator(2, SPEC, 8, 4, 8).eval()
    z = torch.randn(1, 8)
    assert reached(lambda maps: network(z, maps), first, second) > 1e-3

    class LookAlike(nn.Module):
        """The mask goes in at the front, and a norm follows."""

        def __init__(self):
            super().__init__()
            self.front = nn.Conv2d(2, 8, 1)
            self.norm = nn.InstanceNorm2d(8)

        def forward(self, maps):
            return self.norm(self.front(maps))

    assert reached(LookAlike(), first, second) < 1e-4


def test_gains_follow_the_mask_place_by_place():
    torch.manual_seed(0)
    norm = MapGains(4, 2, 8).eval()
    features = torch.rand(1, 4, 16, 16)
    maps = torch.zeros(1, 2, 16, 16)
    maps[:, 0] = 1
    changed = maps.clone()
    changed[:, :, 8:, 8:] = torch.tensor([0.0, 1.0])[:, None, None]
    with torch.no_grad():
        gap = (norm(features, maps) - norm(features, changed)).abs().sum(dim=1)[0]
    assert gap[:6, :].max() == 0 and gap[:, :6].max() == 0  # two 3x3 layers see two pixels far
    assert (gap[8:, 8:] > 0).all()


def test_the_mask_is_resized_by_the_nearest_value():
    mask = Mask(("a", "b"), 32, 32).tensor(torch.randint(2, (1, 32, 32)))
    small = interpolate(mask, size=(8, 8), mode="nearest")
    assert set(small.unique().tolist()) == {0, 1} and (small.sum(dim=1) == 1).all()


def test_feature_matching_is_nought_for_equal_images_and_not_else():
    algorithm, task = built()
    patches = algorithm.networks["D"].eval().patches  # in training spectral norms go on turning
    equal = tensors(algorithm, task)
    equal = tensors(algorithm, task, fake=equal["image"])
    with torch.no_grad():
        assert float(matched(equal, patches)) == 0
        assert float(matched(tensors(algorithm, task), patches)) > 0.1
    logits = equal["real_logits"]
    assert logits.shape == (2, patches)
    torch.testing.assert_close(logits, algorithm.networks["D"](equal["maps"], equal["image"]))


def test_the_discriminator_sees_the_mask():
    algorithm, task = built()
    algorithm.networks["D"].eval()
    t = tensors(algorithm, task)
    swapped = algorithm.networks["D"](t["maps"].flip(0), t["image"])
    assert (swapped - t["real_logits"]).abs().mean() > 1e-3


def test_the_losses_are_the_papers():
    algorithm, _ = built(perceptual=10.0)
    generator, discriminator = algorithm.phases
    assert {name: term.weight for name, term in generator.terms.items()} == {
        "hinge": 1.0, "matching": 10.0, "perceptual": 10.0
    }  # fmt: skip
    assert (generator.optimizer.lr, discriminator.optimizer.lr) == (1e-4, 4e-4)
    assert find("spade").options().hidden == 128


@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (30, 30), (48, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sides_need_not_be_powers_of_two(height, width, channels):
    algorithm, task = built(ImageSpec(height, width, channels))
    t = tensors(algorithm, task)
    assert t["fake"].shape == (2, channels, height, width) and t["fake"].abs().max() <= 1
    assert t["real_logits"].shape == (2, algorithm.networks["D"].patches)
    terms = [term for phase in algorithm.phases for term in phase.terms.values()]
    assert all(term.formula(t).isfinite() for term in terms)


def test_several_maps_go_in_together():
    image = Image(16, 16, 3)
    fields = {"image": image, "mask": Mask(("a", "b"), 16, 16), "source": image}
    task = Task(fields, ("mask", "source"), ("image",), (("image", "mask", "source"),))
    algorithm = build("spade", task, {**SMALL, "perceptual": 0.0})
    t = tensors(algorithm, task, source=torch.rand(2, 3, 16, 16))
    assert t["maps"].shape == (2, 5, 16, 16) and t["fake"].shape == (2, 3, 16, 16)
    assert isinstance(build("pix2pix", task, {"width": 4, "width_d": 4}).networks["G"], UNet)
