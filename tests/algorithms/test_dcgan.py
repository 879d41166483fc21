"""DCGAN's structure, as its paper lists it (Radford et al. 2015, section 3)."""

import torch
from torch import nn

from synthgen.algorithms.registry import build
from synthgen.spec.condition import ClassCondition, ClassConditional
from synthgen.spec.image import ImageSpec

TASK = ClassConditional(ImageSpec(32, 32, 3), ClassCondition(("a", "b")))


def modules(network, kind):
    return [m for m in network.modules() if isinstance(m, kind)]


def test_there_is_no_pooling_and_no_dense_layer():
    for network in build("dcgan", TASK, {}).networks.values():
        assert not modules(network, nn.Linear | nn.MaxPool2d | nn.AvgPool2d)


def test_every_convolution_but_gs_output_and_ds_ends_is_normed_and_has_no_bias():
    networks = build("dcgan", TASK, {}).networks
    generator, discriminator = networks["G"], networks["D"]
    ups, norms = modules(generator, nn.ConvTranspose2d), modules(generator, nn.BatchNorm2d)
    assert len(norms) == len(ups) - 1
    assert [up.bias is None for up in ups].count(False) == 1
    assert generator.to_image.bias is not None
    downs, norms = modules(discriminator, nn.Conv2d), modules(discriminator, nn.BatchNorm2d)
    assert len(norms) == len(downs) - 2
    assert discriminator.from_image.bias is not None and discriminator.logit.bias is not None


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
