"""Encoders of images and of captions into one space, in which partners are to lie near each other.

A caption is a bag of n-grams to networks already (``synthgen/spec/texts.py``), so that its encoder
is one linear layer, the table of their embeddings.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, normalize

from synthgen.networks.canvas import Canvas
from synthgen.networks.condition import embed
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import Task


class TextEncoder(nn.Module):
    """The condition as a vector of unit second moment: of captions the sum of their pieces'
    embeddings, brought to one length."""

    def __init__(self, task: Task, size: int) -> None:
        super().__init__()
        self.embedding = embed(task, size)
        self.scale = size**0.5

    def forward(self, condition: Tensor) -> Tensor:
        """The task's condition ``[N, ...]`` to ``float32 [N, size]``."""
        with torch.autocast(condition.device.type, enabled=False):
            vectors: Tensor = normalize(self.embedding(condition).float(), dim=1) * self.scale
        return vectors


class ImageEncoder(nn.Module):
    """Strided convolutions down to one vector, which is to lie near that of the image's caption."""

    def __init__(self, image: ImageSpec, size: int, width: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(image)
        widths = [width * min(4, 2**level) for level in range(self.canvas.levels)]
        pairs = pairwise([image.channels, *widths])
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in widths)
        self.head = nn.Linear(widths[-1] * self.canvas.base**2, size)

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to ``float32 [N, size]``, of any length."""
        features = self.canvas.cover(images)
        for down, norm in zip(self.downs, self.norms, strict=True):
            features = leaky_relu(norm(down(features)), 0.2)
        return self.head(features.flatten(1)).float()  # type: ignore[no-any-return]
