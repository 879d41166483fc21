"""Networks of volumes: solids from latents, solids from views, and their discriminator.

Transposed and strided 3D convolutions are those of 3D-GAN (Wu et al. 2016, arXiv:1610.07584,
section 3.1), narrower. Group norm stands in the place of batch norm: a solid must not depend on the
others of its batch.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pad, relu

from synthgen.networks.condition import embed
from synthgen.networks.resnet import spectral
from synthgen.spec.projection import lifted
from synthgen.spec.solids import Views
from synthgen.spec.task import Task

WIDEST = 256
LEAST = 4
"""Side of the smallest volumes, or up to twice of it."""


def levels_of(side: int) -> int:
    """Halvings from a side to :data:`LEAST`, at least one."""
    levels = 1
    while side / 2 ** (levels + 1) >= LEAST:
        levels += 1
    return levels


def widths_of(side: int, width: int) -> list[int]:
    """Channels from the full side to the smallest."""
    return [min(WIDEST, width * 2**level) for level in range(levels_of(side) + 1)]


def norm(width: int) -> nn.GroupNorm:
    """Group norm of about eight channels a group."""
    groups = max(1, width // 8)
    return nn.GroupNorm(groups if width % groups == 0 else 1, width)


class VolumeGenerator(nn.Module):
    """A latent and a condition to the logits of a solid's voxels."""

    def __init__(self, task: Task, side: int, latent: int, embedding: int, width: int) -> None:
        super().__init__()
        self.side = side
        widths = widths_of(side, width)[::-1]
        self.base = -(-side // 2 ** (len(widths) - 1))
        self.embedding = embed(task, embedding)
        self.start = nn.Linear(latent + embedding, widths[0] * self.base**3)
        self.norms = nn.ModuleList(norm(each) for each in widths)
        self.ups = nn.ModuleList(
            nn.ConvTranspose3d(a, b, 4, stride=2, padding=1) for a, b in pairwise(widths)
        )
        self.to_volume = nn.Conv3d(widths[-1], 1, 3, padding=1)
        # Few voxels are filled at first, and not the same ones: were half of them, every line of
        # sight would be blocked, and the projection would have no gradient.
        self.to_volume.weight.data.mul_(4)
        nn.init.constant_(self.to_volume.bias, -math.log(3 * side))  # type: ignore[arg-type]

    def forward(self, latents: Tensor, condition: Tensor) -> Tensor:
        """``float [N, latent]`` and the condition to logits ``float32 [N, 1, S, S, S]``."""
        given = torch.cat([latents, self.embedding(condition)], dim=1)
        features = self.start(given).reshape(len(latents), -1, *[self.base] * 3)
        for before, up in zip(self.norms[:-1], self.ups, strict=True):
            features = up(relu(before(features)))
        logits: Tensor = self.to_volume(relu(self.norms[-1](features))).float()
        return logits[:, :, : self.side, : self.side, : self.side]


def lift_views(views: Tensor, field: Views, side: int) -> Tensor:
    """Views as networks take them, ``float [N, V * C, H, W]``, each put back into the volume along
    its lines of sight: ``float [N, V * C, S, S, S]`` in [0, 1], 0 where a view does not reach."""
    parts = torch.split((views.float() + 1) / 2, field.channels, dim=1)
    angles = field.turns
    return torch.cat([lifted(p, a, side) for p, a in zip(parts, angles, strict=True)], dim=1)


class ViewsToVolume(nn.Module):
    """Views to the logits of a solid's voxels: lifted into the volume, with the least of them all
    at each voxel beside (of silhouettes that is the visual hull), then a 3D U-Net with a latent at
    its smallest volumes. Its last layer sees what went in as well."""

    def __init__(self, views: Views, side: int, latent: int, width: int) -> None:
        super().__init__()
        self.views, self.side = views, side
        widths = widths_of(side, width)
        self.whole = -(-side // 2 ** (len(widths) - 1)) * 2 ** (len(widths) - 1)
        inputs = views.entering + views.channels
        self.enter = nn.Conv3d(inputs, widths[0], 3, padding=1)
        pairs = list(pairwise(widths))
        self.downs = nn.ModuleList(nn.Conv3d(a, b, 4, stride=2, padding=1) for a, b in pairs)
        self.down_norms = nn.ModuleList(norm(b) for _, b in pairs)
        self.noise = nn.Linear(latent, widths[-1])
        self.ups = nn.ModuleList(nn.Conv3d(a + b, a, 3, padding=1) for a, b in reversed(pairs))
        self.up_norms = nn.ModuleList(norm(a) for a, _ in reversed(pairs))
        self.to_volume = nn.Conv3d(widths[0] + inputs, 1, 1)
        # Begin near the hull of views that are brighter than a fifth, before a dark ground.
        self.to_volume.weight.data.mul_(0.1)
        self.to_volume.weight.data[:, -views.channels :] = 5.0 / views.channels
        nn.init.constant_(self.to_volume.bias, -1.0)  # type: ignore[arg-type]

    def forward(self, views: Tensor, latents: Tensor) -> Tensor:
        """``float [N, V * C, H, W]`` in [-1, 1] and ``float [N, latent]`` to logits
        ``float32 [N, 1, S, S, S]``."""
        given = lift_views(views, self.views, self.side)
        each = given.reshape(len(given), self.views.count, -1, *given.shape[2:])
        least = each.amin(dim=1)
        given = pad(torch.cat([given, least], dim=1), [0, self.whole - self.side] * 3)
        skips = [leaky_relu(self.enter(given), 0.2)]
        for down, after in zip(self.downs, self.down_norms, strict=True):
            skips.append(leaky_relu(after(down(skips[-1])), 0.2))
        features = skips.pop() + self.noise(latents)[:, :, None, None, None]
        for up, after in zip(self.ups, self.up_norms, strict=True):
            skip = skips.pop()
            features = torch.cat([interpolate(features, size=skip.shape[2:]), skip], dim=1)
            features = relu(after(up(features)))
        logits: Tensor = self.to_volume(torch.cat([features, given], dim=1)).float()
        return logits[:, :, : self.side, : self.side, : self.side]


class VolumeDiscriminator(nn.Module):
    """Strided 3D convolutions with spectral norm; beside the volume it sees the lifted views, or
    the condition's embedding projected on its last features."""

    def __init__(self, task: Task, side: int, width: int, views: Views | None) -> None:
        super().__init__()
        self.views, self.side = views, side
        widths = widths_of(side, width)[1:]
        inputs = 1 + (views.entering if views is not None else 0)
        self.downs = nn.ModuleList(
            spectral(nn.Conv3d(a, b, 4, stride=2, padding=1))
            for a, b in pairwise([inputs, *widths])
        )
        self.logit = spectral(nn.Linear(widths[-1], 1))
        self.embedding = embed(task, widths[-1]) if task.conditions else None

    def forward(self, volume: Tensor, condition: Tensor, views: Tensor | None) -> Tensor:
        """``float [N, 1, S, S, S]`` in [-1, 1] to logits ``float32 [N]``."""
        features = volume
        if self.views is not None and views is not None:
            seen = lift_views(views, self.views, self.side).to(volume.dtype)
            features = torch.cat([volume, seen], dim=1)
        for down in self.downs:
            features = leaky_relu(down(features), 0.2)
        pooled = features.float().mean(dim=(2, 3, 4))
        logits: Tensor = self.logit(pooled)[:, 0]
        if self.embedding is not None:
            logits = logits + (pooled * self.embedding(condition).float()).sum(dim=1)
        return logits.float()
