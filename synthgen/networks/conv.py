"""DCGAN's networks: strided convolutions and batch norm (Radford et al. 2015, arXiv:1511.06434)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from synthgen.networks.canvas import Canvas
from synthgen.spec.condition import ClassConditional


def initialize(module: nn.Module) -> None:
    """N(0, 0.02) for kernels, N(1, 0.02) for batch-norm gains, zero biases: section 4,
    "details"."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, mean=1.0, std=0.02)
    bias = getattr(module, "bias", None)
    if isinstance(bias, nn.Parameter):
        nn.init.zeros_(bias)


class ConvGenerator(nn.Module):
    """Transposed convolutions, batch norm and ReLU everywhere but at the output, which is tanh.

    The paper has no classes: here a label embedding is concatenated to the latent.
    """

    def __init__(self, task: ClassConditional, latent: int, embedding: int, width: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        # The output layer doubles once more, so the widths stop one level before it.
        widths = [width * 2 ** (self.canvas.levels - 1 - i) for i in range(self.canvas.levels)]
        self.embedding = nn.Embedding(task.condition.count, embedding)
        self.project = nn.ConvTranspose2d(
            latent + embedding, widths[0], self.canvas.base, bias=False
        )
        self.project_norm = nn.BatchNorm2d(widths[0])
        pairs = list(pairwise(widths))
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, bias=False) for a, b in pairs
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b in pairs)
        self.to_image = nn.ConvTranspose2d(widths[-1], task.image.channels, 4, stride=2, padding=1)
        self.apply(initialize)
        nn.init.normal_(self.embedding.weight)  # as strong as the latent beside it

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``float [N, latent]`` and ``int64 [N]`` to ``float [N, C, H, W]`` in [-1, 1]."""
        given = torch.cat([latents, self.embedding(labels)], dim=1)[:, :, None, None]
        features = relu(self.project_norm(self.project(given)))  # [N, widest, base, base]
        for up, norm in zip(self.ups, self.norms, strict=True):
            features = relu(norm(up(features)))
        return self.canvas.crop(torch.tanh(self.to_image(features).float()))


class ConvDiscriminator(nn.Module):
    """Strided convolutions, leaky ReLU 0.2, batch norm everywhere but at the input; no dense layer.

    Without ``norm`` it is a critic: a logit then depends on its own image alone.

    The paper has no classes: here the label's embedding, projected on the pooled last features
    (Miyato & Koyama 2018, arXiv:1802.05637), is added to the logit.
    """

    def __init__(self, task: ClassConditional, width: int, norm: bool = True) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        widths = [width * 2**i for i in range(self.canvas.levels)]
        self.from_image = nn.Conv2d(task.image.channels, widths[0], 4, stride=2, padding=1)
        pairs = list(pairwise(widths))
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1, bias=not norm) for a, b in pairs
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) if norm else nn.Identity() for _, b in pairs)
        self.logit = nn.Conv2d(widths[-1], 1, self.canvas.base)
        self.embedding = nn.Embedding(task.condition.count, widths[-1])
        self.apply(initialize)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits ``float32 [N]``."""
        features = leaky_relu(self.from_image(self.canvas.cover(images)), 0.2)
        for down, norm in zip(self.downs, self.norms, strict=True):
            features = leaky_relu(norm(down(features)), 0.2)
        plain = self.logit(features).flatten(1).squeeze(1).float()  # [N]
        pooled = features.float().mean(dim=(2, 3))  # [N, widest]
        logits: Tensor = plain + (pooled * self.embedding(labels).float()).sum(dim=1)
        return logits
