"""What makes a conditional GAN itself (Mirza & Osindero 2014): the label enters both networks."""

import math

import pytest
import torch

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build
from synthgen.losses.adversarial import refuse
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image

TASK = label_to_image(("a", "b", "c"), ImageSpec(16, 16, 1))


def effects(networks):
    """How much another label changes G at the same latent, and D on the same image."""
    z, image = torch.randn(1, 100).expand(2, -1), torch.rand(1, 1, 16, 16).expand(2, -1, -1, -1)
    labels = torch.tensor([0, 1])
    with torch.no_grad():
        drawn = networks["G"].eval()(z, labels)
        logits = networks["D"].eval()(image, labels)
    return float((drawn[0] - drawn[1]).abs().max()), float((logits[0] - logits[1]).abs())


@pytest.mark.parametrize("generator", ["concat", "norm"])
@pytest.mark.parametrize("discriminator", ["concat", "projection"])
def test_the_label_enters_both_networks(generator, discriminator):
    torch.manual_seed(0)
    options = {"generator": generator, "discriminator": discriminator, "width": 16}
    networks = build("cgan", TASK, options).networks
    on_g, on_d = effects(networks)
    assert on_g > 1e-4 and on_d > 1e-6
    # Look-alikes: a network that is deaf to the label fails.
    for name, size in (("G", 0), ("D", 1)):
        tables = [m for m in networks[name].modules() if isinstance(m, torch.nn.Embedding)]
        for table in tables:
            table.weight.data[:] = table.weight.data[:1]
        assert effects(networks)[size] < 1e-7


def test_mismatched_labels_are_wrong_and_all_wrong_ones_occur():
    algorithm = build("cgan", TASK, {"width": 4})
    label = torch.arange(3).repeat(200)
    tensors = Tensors(algorithm.networks, algorithm.tensors, {"condition": label}, {}, lambda x: x)
    wrong = tensors["wrong_condition"]
    assert (wrong != label).all()
    assert {(a, b) for a, b in zip(label.tolist(), wrong.tolist())} == {
        (a, b) for a in range(3) for b in range(3) if a != b
    }
    assert math.isclose(refuse(torch.zeros(4)).item(), math.log(2), rel_tol=1e-6)


def test_mismatched_negatives_can_be_left_out_and_need_two_classes():
    def terms(task, options):
        return set(build("cgan", task, {"width": 4, **options}).phases[0].terms)

    one = label_to_image(("only",), ImageSpec(8, 8, 1))
    assert terms(TASK, {}) == {"cross_entropy", "mismatched"}
    assert terms(TASK, {"mismatched": 0}) == terms(one, {}) == {"cross_entropy"}
