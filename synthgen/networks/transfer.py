"""DTN's networks: what frozen features show, drawn in another look (Taigman et al. 2016,
arXiv:1611.02200, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, relu

from synthgen.networks.class_norm import ClassGains
from synthgen.networks.conv import initialize
from synthgen.networks.translation import PatchDiscriminator
from synthgen.spec.task import Task

HALVINGS = 4
"""Of the image's side that features have."""
KINDS = 3
"""Made from a source, made from a target, a real target: what D tells apart."""


class TransferGenerator(nn.Module):
    """G = g(f(x)): only what f keeps of an image can reach the one that is made of it."""

    def __init__(self, task: Task, width: int, f: nn.Module, channels: int) -> None:
        """``f`` takes images ``float [N, C, H, W]`` in [-1, 1] to so many ``channels`` of features
        at a sixteenth of the side, rounded up."""
        super().__init__()
        self.image = task.image
        self.f = f
        widths = [width * 2**level for level in reversed(range(HALVINGS))]
        self.start = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.start_norm = ClassGains(widths[0], task)
        self.ups = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1)
            for a, b in zip(widths, [*widths[1:], widths[-1]], strict=True)
        )
        self.norms = nn.ModuleList(ClassGains(b, task) for b in [*widths[1:], widths[-1]])
        self.to_image = nn.Conv2d(widths[-1], task.image.channels, 3, padding=1)
        self.apply(initialize)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Images ``float [N, C, H, W]`` in [-1, 1] and their condition to the same shape and
        range."""
        features = relu(self.start_norm(self.start(self.f(images)), labels))
        for layer, norm in zip(self.ups, self.norms, strict=True):
            features = relu(norm(layer(interpolate(features, scale_factor=2.0)), labels))
        drawn: Tensor = torch.tanh(self.to_image(features).float())
        return drawn[:, :, : self.image.height, : self.image.width]


class TernaryDiscriminator(PatchDiscriminator):
    """A PatchGAN that tells three kinds of image apart: see :data:`KINDS`."""

    def __init__(self, task: Task, width: int, layers: int) -> None:
        super().__init__(task, width, layers)
        self.logit = nn.Conv2d(self.logit.in_channels, KINDS, 4, padding=1)
        nn.init.normal_(self.logit.weight, std=0.02)

    def kinds(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and their condition to logits of the three kinds,
        ``float32 [N, 3, patches]``; the condition speaks for or against a real target."""
        features = leaky_relu(self.from_image(self.canvas.cover(images)), 0.2)
        for layer, norm in zip(self.downs, self.norms, strict=True):
            features = leaky_relu(norm(layer(features)), 0.2)
        plain = self.logit(features).flatten(2).float()
        pooled = features.float().mean(dim=(2, 3))
        matched = (pooled * self.embedding(labels).float()).sum(dim=1)
        others = torch.zeros_like(matched)
        return torch.add(plain, torch.stack([others, others, matched], dim=1)[:, :, None])

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """How much more likely each patch is of a real target than made: log-odds ``float32
        [N, patches]``."""
        return log_odds(self.kinds(images, labels))


def log_odds(kinds: Tensor) -> Tensor:
    """Log-odds ``[N, patches]`` of the last of three kinds, of logits ``[N, 3, patches]``."""
    return kinds[:, 2] - torch.logsumexp(kinds[:, :2], dim=1)


def feature_distance(made: Tensor, wanted: Tensor) -> Tensor:
    """The squared distance of two sets of features ``[N, ...]`` as a share of the mean square of
    ``wanted``: a scalar, nought where they are equal."""
    wanted = wanted.float()
    return (made.float() - wanted).square().mean() / wanted.square().mean().clamp(min=1e-6)
