import copy

import pytest
import torch

from synthgen.algorithms.registry import build, class_conditional, find
from synthgen.features.classifier import LabelClassifier
from synthgen.generators.drawing import draw, latent_size
from synthgen.networks.baking import bake
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image

TASK = label_to_image(("a", "b", "c"), ImageSpec(16, 16, 3))


def with_statistics(network):
    """Running means and variances, gains and singular vectors as training leaves them."""
    torch.manual_seed(0)
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if "running_var" in name:
            tensor.data.uniform_(0.5, 2.0)
        elif tensor.is_floating_point() and ("running_mean" in name or "norm" in name):
            tensor.data.normal_(0.2, 0.5)
    return network.eval()


@pytest.mark.parametrize("name", class_conditional())
def test_a_baked_generator_draws_the_same_pixels(name, small_networks):
    task = find(name).takes.task(TASK.classes, TASK.image)
    algorithm = build(name, task, small_networks[name])
    # In float64: these networks make tenths of a grey level of the roundings of float32.
    networks = {
        key: with_statistics(algorithm.networks[key]).double() for key in algorithm.generators
    }
    given = {"condition": torch.arange(8) % 3}
    if "source" in algorithm.inputs:
        source = torch.rand(8, 3, 16, 16, dtype=torch.float64) * 2 - 1
        given |= {"source": source, "condition/source": given["condition"]}
    flat = torch.randn(8, latent_size(algorithm), dtype=torch.float64)
    for network in networks.values():
        network.eval()
    before = draw(algorithm, networks, flat, given, torch.float32)
    baked = {key: bake(copy.deepcopy(network)) for key, network in networks.items()}
    after = draw(algorithm, baked, flat, given, torch.float32)
    for column, images in before.items():
        # Within a thousandth of a grey level, of the 127.5 that a unit has.
        assert torch.allclose(images, after[column], atol=0.001 / 127.5, rtol=0), column


def test_a_baked_classifier_has_no_norms_left_and_the_same_features():
    network = with_statistics(LabelClassifier(TASK.image, 3))
    images = torch.rand(6, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        before = network(images)
        baked = bake(copy.deepcopy(network))
        assert torch.allclose(baked(images), before, atol=1e-4, rtol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in baked.modules())
