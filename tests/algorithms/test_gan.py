"""What makes the first GAN itself (Goodfellow et al. 2014)."""

import torch
from torch import nn

from synthgen.algorithms.registry import build
from synthgen.networks.mlp import Maxout
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image

TASK = label_to_image(("a", "b"), ImageSpec(28, 28, 1))


def test_networks_are_dense_and_of_the_papers_size():
    networks = build("gan", TASK, {}).networks
    for network in networks.values():
        assert not [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_features for m in networks["G"].layers if isinstance(m, nn.Linear)] == [
        1200, 1200, 784,
    ]  # fmt: skip


def test_maxout_is_the_largest_of_its_pieces_and_convex():
    torch.manual_seed(0)
    layer = Maxout(3, 4, pieces=5)
    a, b = torch.randn(8, 3), torch.randn(8, 3)
    maps = layer.linear(a).reshape(8, 4, 5)
    assert torch.equal(layer(a), maps.max(dim=2).values)
    assert (layer((a + b) / 2) <= (layer(a) + layer(b)) / 2 + 1e-6).all()
    # A rectifier of one map, the look-alike, is not the same function.
    assert not torch.allclose(layer(a), torch.relu(maps[:, :, 0]))


def test_the_label_stands_beside_the_input_of_each_layer_of_the_discriminator():
    torch.manual_seed(0)
    network = build("gan", TASK, {"width_d": 8, "pieces": 2}).networks["D"]
    nn.init.zeros_(network.head.embedding.weight)  # the look-alike: projected at the end alone
    images = torch.randn(1, 1, 28, 28).expand(2, 1, 28, 28)
    labels = torch.tensor([0, 1])
    for layer in range(2):
        others = network.labels[1 - layer].weight
        kept = others.clone()
        nn.init.zeros_(others)
        logits = network(images, labels)
        assert (logits[0] - logits[1]).abs() > 1e-3
        others.data.copy_(kept)
    for embedding in network.labels:
        nn.init.zeros_(embedding.weight)
    logits = network(images, labels)
    assert torch.equal(logits[0], logits[1])
