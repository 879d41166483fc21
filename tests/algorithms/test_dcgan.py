"""DCGAN's structure, as its paper lists it (Radford et al. 2015, section 3)."""

import pytest
import torch
from torch import nn

from synthgen.algorithms.registry import build, find
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image

TASK = label_to_image(("a", "b"), ImageSpec(32, 32, 3))


def modules(network, kind):
    return [m for m in network.modules() if isinstance(m, kind)]


def faults(networks):
    """What keeps a pair from being DCGAN's, by section 3 of the paper."""
    found = []
    generator, discriminator = networks["G"], networks["D"]
    for network in networks.values():
        if modules(network, nn.Linear | nn.MaxPool2d | nn.AvgPool2d):
            found.append("pooling or a dense layer")
    ups, norms = modules(generator, nn.ConvTranspose2d), modules(generator, nn.BatchNorm2d)
    if not ups or len(norms) != len(ups) - 1:
        found.append("G: norms are not everywhere but at the output")
    if [up.bias is None for up in ups].count(False) != 1:
        found.append("G: a bias before a norm")
    downs, norms = modules(discriminator, nn.Conv2d), modules(discriminator, nn.BatchNorm2d)
    if len(norms) != len(downs) - 2:
        found.append("D: norms are not everywhere but at the ends")
    if [down.bias is None for down in downs].count(False) != 2:
        found.append("D: a bias before a norm")
    return found


def test_the_structure_is_the_papers():
    assert faults(build("dcgan", TASK, {}).networks) == []


@pytest.mark.parametrize("name", ["wgan", "sagan", "r3gan", "gan", "cogan"])
def test_look_alikes_have_another_structure(name):
    task = find(name).takes.task(TASK.classes, TASK.image)
    networks = build(name, task, {}).networks
    pair = {kind: next(net for key, net in networks.items() if key[0] == kind) for kind in "GD"}
    assert faults(pair)


def test_weights_start_at_a_fiftieth():
    torch.manual_seed(0)
    for network in build("dcgan", TASK, {}).networks.values():
        for layer in modules(network, nn.Conv2d | nn.ConvTranspose2d):
            if layer.weight.numel() > 10_000:
                assert abs(layer.weight.std().item() - 0.02) < 0.002
                assert abs(layer.weight.mean().item()) < 0.001
        for norm in modules(network, nn.BatchNorm2d):
            assert abs(norm.weight.mean().item() - 1.0) < 0.02


def test_images_are_bounded_by_tanh():
    generator = build("dcgan", TASK, {}).networks["G"]
    images = generator(torch.randn(8, 100) * 100, torch.zeros(8, dtype=torch.int64))
    assert images.abs().max() <= 1.0
