"""How different two images look: the distance of their features in a network trained on ImageNet.

Johnson et al. 2016, arXiv:1603.08155, with EfficientNet-lite0 in place of VGG: its weights come
with a package.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from synthgen.features.efficientnet import feature_network

DEPTH = 5
"""Layers that features are taken after: an eighth of the side, 40 channels: edges, textures."""


class Perceptual:
    """Distances of images; the network is read when it is first needed, and never trained."""

    def __init__(self, depth: int = DEPTH) -> None:
        self._depth = depth
        self._networks: dict[torch.device, nn.Module] = {}

    def __call__(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Mean absolute difference of the features of two ``float [N, C, H, W]`` in [-1, 1]: a
        scalar whose gradient reaches ``made``.

        Raises:
            SynthgenError: the package with the weights is missing.
        """
        device = made.device
        if device not in self._networks:
            whole = list(feature_network().children())[: self._depth]
            self._networks[device] = nn.Sequential(*whole).to(device).eval().requires_grad_(False)
        network = self._networks[device]
        with torch.no_grad():
            target = network(_as_seen(wanted))
        return l1_loss(network(_as_seen(made)).float(), target.float())


def _as_seen(images: Tensor) -> Tensor:
    """RGB at the scale that the network was trained on: (x - 127) / 128 of x in [0, 255]."""
    rgb = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
    return (rgb * 127.5 + 0.5) / 128.0
