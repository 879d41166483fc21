"""The label classifier: a small residual network trained on the real data, kept in every bundle.

It says whether a generated image shows its class, and its last features are the space in which a
training run scores itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu

from synthgen.spec.image import ImageSpec

WORKING_SIDE = 32
"""Larger images are averaged down by a whole factor until they are under twice this side."""


class ResidualBlock(nn.Module):
    """Two convolutions of one width beside what comes in: ``[N, width, h, w]`` to the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm: nn.Module = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm: nn.Module = nn.BatchNorm2d(width)

    def norm_pairs(self) -> Iterator[tuple[nn.Module, nn.Module, str]]:
        """Each convolution with the owner and the name of the norm that follows it."""
        yield self.first, self, "first_norm"
        yield self.second, self, "second_norm"

    def forward(self, features: Tensor) -> Tensor:
        branch = relu(self.first_norm(self.first(features)))
        return relu(features + self.second_norm(self.second(branch)))


class LabelClassifier(nn.Module):
    """Images to class logits whose softmax is calibrated by one temperature.

    0.3 million parameters and 0.04 GFLOP at 32 px with the default width.
    """

    temperature: Tensor

    def __init__(self, image: ImageSpec, classes: int, width: int = 40) -> None:
        super().__init__()
        self.image = image
        self.classes = classes
        self.width = width
        self.shrink = max(1, min(image.height, image.width) // WORKING_SIDE)
        widths = (width * 4 // 5, width, 2 * width, 4 * width)
        self.stem = nn.Conv2d(image.channels, widths[0], 3, padding=1, bias=False)
        self.stem_norm: nn.Module = nn.BatchNorm2d(widths[0])
        pairs = list(pairwise(widths))
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False) for a, b in pairs
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b in pairs)
        self.blocks = nn.ModuleList(ResidualBlock(b) for b in widths[1:-1])
        self.head = nn.Linear(widths[-1], classes)
        self.register_buffer("temperature", torch.ones(()))

    def norm_pairs(self) -> Iterator[tuple[nn.Module, nn.Module, str]]:
        """Each convolution with the owner and the name of the norm that follows it."""
        yield self.stem, self, "stem_norm"
        for level, down in enumerate(self.downs):
            yield down, self.norms, str(level)

    def features(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to the last features ``float32 [N, 4 * width]``."""
        if self.shrink > 1:
            images = avg_pool2d(images, self.shrink)
        features = relu(self.stem_norm(self.stem(images)))
        for level, (down, norm) in enumerate(zip(self.downs, self.norms, strict=True)):
            features = relu(norm(down(features)))
            if level < len(self.blocks):
                features = self.blocks[level](features)
        return features.float().mean(dim=(2, 3))

    def classify(self, features: Tensor) -> Tensor:
        """Features ``[N, 4 * width]`` to logits ``float32 [N, classes]``."""
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.head(features.float()) / self.temperature
        return logits

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to logits ``float32 [N, classes]``."""
        return self.classify(self.features(images))

    def config(self) -> dict[str, Any]:
        """JSON from which :meth:`from_config` builds the same network, weights apart."""
        image = {
            "height": self.image.height,
            "width": self.image.width,
            "channels": self.image.channels,
        }
        return {"image": image, "classes": self.classes, "width": self.width}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LabelClassifier:
        """The network of a :meth:`config`, freshly initialised."""
        return cls(ImageSpec(**config["image"]), config["classes"], config["width"])
