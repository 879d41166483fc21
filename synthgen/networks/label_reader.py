"""A small network that reads a label off an image, while others are trained beside it."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, leaky_relu

from synthgen.spec.image import ImageSpec

LARGEST_SIDE = 64
"""Images with a longer side are averaged down to it."""


class LabelReader(nn.Module):
    """Images to class logits. Its group norms (Wu & He 2018, arXiv:1803.08494) know no batch and no
    running means: a frozen reader says of an image what it will say of it in any batch."""

    def __init__(self, image: ImageSpec, classes: int, width: int) -> None:
        """``width`` is a multiple of four."""
        super().__init__()
        side = max(image.height, image.width)
        share = min(1.0, LARGEST_SIDE / side)
        self.size = max(1, round(image.height * share)), max(1, round(image.width * share))
        widths = [width, 2 * width, 4 * width]
        self.first = nn.Conv2d(image.channels, width, 3, padding=1)
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise([*widths, widths[-1]])
        )
        self.norms = nn.ModuleList(nn.GroupNorm(4, b) for b in [*widths[1:], widths[-1]])
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to logits ``float32 [N, classes]``."""
        if tuple(images.shape[2:]) != self.size:
            images = adaptive_avg_pool2d(images, self.size)
        features = leaky_relu(self.first(images), 0.2)
        for layer, norm in zip(self.downs, self.norms, strict=True):
            features = leaky_relu(norm(layer(features)), 0.2)
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits.float()
