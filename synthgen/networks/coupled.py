"""CoGAN's networks: two domains that share what is general (Liu & Tuzel 2016, arXiv:1606.07536).

Generators share their first layers, which decide what is shown, and have heads of their own, which
decide how it looks; discriminators have first layers of their own and share the last.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from synthgen.networks.canvas import Canvas
from synthgen.networks.condition import embed, start
from synthgen.networks.conv import initialize
from synthgen.networks.layers import ProjectionHead
from synthgen.spec.task import Task


class GeneratorTrunk(nn.Module):
    """Latent and label to features of half the image's side."""

    def __init__(self, task: Task, latent: int, embedding: int, width: int) -> None:
        super().__init__()
        canvas = Canvas.for_image(task.image)
        widths = [width * 2 ** (canvas.levels - 1 - i) for i in range(canvas.levels)]
        self.embedding = embed(task, embedding)
        self.project = nn.ConvTranspose2d(latent + embedding, widths[0], canvas.base, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(w) for w in widths)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, bias=False)
            for a, b in pairwise(widths)
        )
        self.apply(initialize)
        start(self.embedding)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``[N, latent]`` and ``int64 [N]`` to ``[N, width, side / 2, side / 2]``."""
        given = torch.cat([latents, self.embedding(labels)], dim=1)[:, :, None, None]
        features = relu(self.norms[0](self.project(given)))
        for up, norm in zip(self.ups, list(self.norms)[1:], strict=True):
            features = relu(norm(up(features)))
        return features


class CoupledGenerator(nn.Module):
    """The shared trunk and one domain's own head."""

    def __init__(self, task: Task, trunk: GeneratorTrunk, width: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        self.trunk = trunk
        self.head = nn.Sequential(
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, task.image.channels, 3, padding=1),
        )
        self.head.apply(initialize)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``float [N, latent]`` and ``int64 [N]`` to ``float [N, C, H, W]`` in [-1, 1]."""
        drawn = self.head(self.trunk(latents, labels))
        return self.canvas.crop(torch.tanh(drawn.float()))


class DiscriminatorTrunk(nn.Module):
    """Features of half the image's side, with the label, to logits."""

    def __init__(self, task: Task, width: int) -> None:
        super().__init__()
        canvas = Canvas.for_image(task.image)
        widths = [width * 2**i for i in range(canvas.levels)]
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(widths)
        )
        self.collect = nn.Conv2d(widths[-1], widths[-1], canvas.base)
        self.apply(initialize)
        self.head = ProjectionHead(widths[-1], task)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """``[N, width, side / 2, side / 2]`` and ``int64 [N]`` to logits ``float32 [N]``."""
        for down in self.downs:
            features = leaky_relu(down(features), 0.2)
        collected = leaky_relu(self.collect(features), 0.2).flatten(1)
        logits: Tensor = self.head(collected, labels)
        return logits


class CoupledDiscriminator(nn.Module):
    """One domain's own first layers and the shared trunk."""

    def __init__(self, task: Task, trunk: DiscriminatorTrunk, width: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        self.head = nn.Sequential(
            nn.Conv2d(task.image.channels, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.head.apply(initialize)
        self.trunk = trunk

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits ``float32 [N]``."""
        logits: Tensor = self.trunk(self.head(self.canvas.cover(images)), labels)
        return logits
