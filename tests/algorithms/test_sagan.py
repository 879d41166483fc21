"""What makes SAGAN itself (Zhang et al. 2018)."""

import torch
from torch import nn

from synthgen.algorithms.registry import build
from synthgen.networks.attention import SelfAttention
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image

TASK = label_to_image(tuple("abcdefghij"), ImageSpec(32, 32, 3))
SMALL = {"width": 16, "width_d": 16, "latent": 8}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_sizes_are_the_published_ones():
    networks = build("sagan", TASK, {}).networks
    assert parameters(networks["G"]) == 4_386_308
    assert parameters(networks["D"]) == 1_075_586


def test_attention_rows_sum_to_one_and_a_gain_of_nought_is_the_identity():
    torch.manual_seed(0)
    layer, features = SelfAttention(16, lambda m: m), torch.randn(2, 16, 8, 8)
    weights = layer.weights(features)
    assert weights.shape == (2, 64, 16)
    assert torch.allclose(weights.sum(dim=2), torch.ones(2, 64), atol=1e-6)
    assert torch.equal(layer(features), features)


def reach(layer, features):
    """Whether place (0, 0) of image 0 depends on the far corner of images 0 and 1."""
    inputs = features.clone().requires_grad_(True)
    layer(inputs)[0, :, 0, 0].sum().backward()
    return [bool(inputs.grad[n, :, -1, -1].abs().sum() > 0) for n in (0, 1)]


def test_a_far_place_has_influence_and_another_image_has_none():
    torch.manual_seed(0)
    layer, features = SelfAttention(16, lambda m: m), torch.randn(2, 16, 8, 8)
    nn.init.ones_(layer.gain)
    assert reach(layer, features) == [True, False]
    # The look-alike, a convolution, sees its neighbours only.
    assert reach(nn.Conv2d(16, 16, 3, padding=1), features) == [False, False]


def test_every_layer_of_both_networks_has_a_largest_singular_value_of_one():
    torch.manual_seed(0)
    for network in build("sagan", TASK, SMALL).networks.values():
        network.train()
        for _ in range(30):  # the power iteration goes one step per pass
            for module in network.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    weight = module.weight
        layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert len(layers) > 10
        for layer in layers:
            weight = layer.weight.flatten(1)
            assert abs(torch.linalg.matrix_norm(weight, 2).item() - 1.0) < 0.05
    plain = nn.Linear(64, 64)
    assert abs(torch.linalg.matrix_norm(plain.weight, 2).item() - 1.0) > 0.05


def test_two_time_scales():
    phases = {phase.name: phase for phase in build("sagan", TASK, SMALL).phases}
    assert phases["D"].optimizer.lr == 4e-4 and phases["G"].optimizer.lr == 1e-4
    assert phases["D"].times == phases["D"].every == phases["G"].every == 1
