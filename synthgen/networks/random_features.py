"""Convolutions with random weights that are never trained: what images have in common for any
learner that begins from such weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, leaky_relu

from synthgen.spec.image import ImageSpec

WORKING_SIDE = 32
"""Larger images are averaged down by a whole factor until they are under twice this side."""
WIDTH = 16
SLOPE = 0.2
PLACES = 2
"""The last features are means over so many parts of the height and of the width."""


class RandomFeatures(nn.Module):
    """Images to features by up to three random convolutions, each halving the side.

    The weights follow He et al. 2015, arXiv:1502.01852, equation 15, from the seed alone.
    """

    def __init__(self, image: ImageSpec, seed: int, width: int = WIDTH) -> None:
        super().__init__()
        side = min(image.height, image.width)
        self.shrink = max(1, side // WORKING_SIDE)
        levels = max(1, min(3, int(math.log2(max(2, side // self.shrink) / 2))))
        widths = [image.channels, *(width * 2**level for level in range(levels))]
        self.layers = nn.ModuleList(
            nn.Conv2d(widths[at], widths[at + 1], 3, padding=1) for at in range(levels)
        )
        self.size = PLACES * PLACES * widths[-1]
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in self.layers:
                assert isinstance(layer, nn.Conv2d) and layer.bias is not None
                fan = layer.in_channels * 9
                std = math.sqrt(2 / (1 + SLOPE**2) / fan)
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=random) * std)
                layer.bias.copy_(torch.randn(layer.bias.shape, generator=random) * 0.1)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to features ``float32 [N, size]``."""
        features = avg_pool2d(images, self.shrink) if self.shrink > 1 else images
        for layer in self.layers:
            features = avg_pool2d(leaky_relu(layer(features), SLOPE), 2)
        return adaptive_avg_pool2d(features, PLACES).float().flatten(1)
