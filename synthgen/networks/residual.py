"""Light residual networks without batch statistics: the modern default's pair."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, normalize

from synthgen.networks.canvas import Canvas
from synthgen.networks.layers import (
    ACTIVATION_GAIN,
    ConditionEmbedding,
    ProjectionHead,
    StyledConv,
    activate,
)
from synthgen.spec.task import Task

HALF_POWER = 2**-0.5
"""A sum of two branches of equal power, scaled by this, keeps their power."""


class StyledBlock(nn.Module):
    """``features + conv(act(conv(features)))`` with both convolutions styled."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.first = StyledConv(width, width, style)
        self.second = StyledConv(width, width, style)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        branch = activate(self.first(features, style))
        branch = activate(self.second(branch, style))
        return (features + branch) * HALF_POWER


class ResidualGenerator(nn.Module):
    """Latents and labels to images, one styled residual block per resolution.

    The latent, brought to unit length per dimension, and the class embedding go through a
    two-layer mapping; the result styles every convolution and makes the first feature map.
    """

    def __init__(self, task: Task, latent: int, width: int, widest: int, style: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        widths = self.canvas.widths(width, widest)
        self.embedding = ConditionEmbedding(task, latent)
        self.mapping = nn.Sequential(
            nn.Linear(2 * latent, style), nn.LeakyReLU(0.2), nn.Linear(style, style)
        )
        self.constant = nn.Parameter(torch.randn(widths[0], self.canvas.base, self.canvas.base))
        self.start = nn.Linear(style, widths[0] * self.canvas.base**2)
        self.blocks = nn.ModuleList(StyledBlock(w, style) for w in widths)
        self.widen = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(widths))
        self.to_image = nn.Conv2d(widths[-1], task.image.channels, 3, padding=1)
        nn.init.normal_(self.to_image.weight, std=0.5 * (9 * widths[-1]) ** -0.5)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``float [N, latent]`` and ``int64 [N]`` to ``float [N, C, H, W]``, about [-1, 1]."""
        size = latents.shape[1] ** 0.5
        # The class vector has the latent's length, so that neither drowns the other.
        given = torch.cat([latents, normalize(self.embedding(labels)) * size], dim=1)
        style = activate(self.mapping(given))
        features = self.start(style).reshape(-1, *self.constant.shape) + self.constant
        features = features.contiguous(memory_format=torch.channels_last)
        for level, block in enumerate(self.blocks):
            if level > 0:
                features = interpolate(self.widen[level - 1](features), scale_factor=2.0)
            features = block(features, style)
        return self.canvas.crop(self.to_image(features)).float()


class ResidualDiscriminator(nn.Module):
    """Images and labels to logits: one residual block per resolution, no normalisation."""

    def __init__(self, task: Task, width: int, widest: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        widths = self.canvas.widths(width, widest)[::-1]
        self.from_image = nn.Conv2d(task.image.channels, widths[0], 3, padding=1)
        self.first = nn.ModuleList(nn.Conv2d(w, w, 3, padding=1) for w in widths)
        self.second = nn.ModuleList(nn.Conv2d(w, w, 3, padding=1) for w in widths)
        self.widen = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(widths))
        features = 2 * widths[-1]
        self.collect = nn.Conv2d(widths[-1], features, self.canvas.base)
        self.head = ProjectionHead(features, task)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # He et al. 2015, arXiv:1502.01852; the 1x1 kernels are not followed by activate().
                gain = 1.0 if module.kernel_size == (1, 1) else ACTIVATION_GAIN
                nn.init.normal_(module.weight, std=gain * module.weight[0].numel() ** -0.5)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits ``float32 [N]``."""
        features = activate(self.from_image(self.canvas.cover(images)))
        for level, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            if level > 0:
                features = self.widen[level - 1](avg_pool2d(features, 2))
            branch = activate(second(activate(first(features))))
            features = (features + branch) * HALF_POWER
        collected = activate(self.collect(features)).flatten(1)  # [N, features]
        logits: Tensor = self.head(collected, labels)
        return logits
