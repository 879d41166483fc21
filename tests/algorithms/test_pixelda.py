"""PixelDA: labels of the source guard translations, labels of the target are not looked at."""

import pytest
import torch
from loops import plain_loop
from rows import batches
from torch.nn.functional import one_hot

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.pixelda import OF_SOURCE
from synthgen.algorithms.registry import build
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import CONDITION, Task, two_kinds
from synthgen.training.loop import Training

SPEC = ImageSpec(8, 8, 1)
TASK = two_kinds(("a", "b"), SPEC, ("day", "night"))
SMALL = {"width": 4, "width_d": 4, "width_t": 8, "blocks": 1, "latent": 3}


def given(label):
    shown = (2.0 * label - 1)[:, None, None, None] * torch.rand(4, 1, 8, 8)
    return {
        "image": shown, CONDITION: label, "source": shown, OF_SOURCE: label,
        "z": torch.randn(4, 3),
    }  # fmt: skip


class Reads(torch.nn.Module):
    """Knows a label by the sign of the image's mean."""

    def forward(self, images):
        return 20.0 * one_hot((images.mean(dim=(1, 2, 3)) > 0).long(), 2).float()


def guard(translate):
    """What the guard says of a translator."""
    found = build("pixelda", TASK, SMALL)

    class Fixed(torch.nn.Module):
        def forward(self, images, z):
            return translate(images)

    networks = {**found.networks, "G": Fixed(), "T": Reads()}
    tensors = Tensors(networks, found.tensors, given(torch.tensor([0, 1, 1, 0])), {}, lambda x: x)
    return float(found.phases[0].terms["task"].formula(tensors))


def test_a_translation_of_another_class_costs_and_one_of_its_own_does_not():
    assert guard(lambda x: x) < 1e-6
    assert guard(lambda x: -x) > 10  # the look-alike that swaps the classes


def test_the_targets_labels_change_nothing():
    label = torch.tensor([0, 1, 1, 0])
    found = build("pixelda", TASK, SMALL)
    found.networks["D"].eval()
    losses = []
    for told in (label, 1 - label):
        known = {**given(label), CONDITION: told}
        torch.manual_seed(3)
        known["image"], known["source"], known["z"] = (
            torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8), torch.randn(4, 3)
        )  # fmt: skip
        tensors = Tensors(found.networks, found.tensors, known, {}, lambda x: x)
        losses.append([
            float(term.formula(tensors).detach()) for phase in found.phases
            for term in phase.terms.values()
        ])  # fmt: skip
    assert losses[0] == losses[1]


def test_without_a_guard_nobody_reads_labels():
    plain = build("pixelda", TASK, {**SMALL, "task": 0})
    assert set(plain.networks) == {"G", "D"} and set(plain.phases[0].terms) == {"target"}
    first, second = (Image(8, 8, 1, shows) for shows in ("day", "night"))
    bare = Task(
        {"image": second, "source": first}, ("source",), ("image",), (("image",), ("source",))
    )
    assert set(build("pixelda", bare, {**SMALL, "task": 0}).networks) == {"G", "D"}
    with pytest.raises(SynthgenError, match="needs rows with a class"):
        build("pixelda", bare, SMALL)


def test_noise_and_images_decide_a_translation_and_its_first_state_is_near_the_image():
    found = build("pixelda", TASK, SMALL)
    images = torch.rand(2, 1, 8, 8) * 1.6 - 0.8
    same = images[:1].expand(2, -1, -1, -1)
    z = torch.randn(2, 3) * 5
    made = found.networks["G"](same, z)
    assert (made[0] - made[1]).abs().max() > 1e-5
    drawn = found.networks["G"](images, z)
    assert torch.corrcoef(torch.stack([drawn.flatten(), images.flatten()]))[0, 1] > 0.95


def test_one_step_moves_every_network(digits):
    torch.manual_seed(0)
    found = build("pixelda", TASK, SMALL)
    pixels, labels = digits[0][:32], digits[1][:32] % 2
    shown = batches(TASK, pixels, labels, source=(255 - pixels, labels, labels.argsort()))
    before = {name: state(net) for name, net in found.networks.items()}
    Training(found, shown, plain_loop(images=64)).step()
    moved = [
        name for name, net in found.networks.items() if not torch.equal(before[name], state(net))
    ]
    assert moved == ["G", "D", "T"]


def state(network):
    return torch.cat([p.detach().flatten().clone() for p in network.parameters()])
