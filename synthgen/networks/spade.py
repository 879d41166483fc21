"""SPADE's networks: a mask that modulates every norm, and patches at two scales (Park et al. 2019,
arXiv:1903.07291, sections 3 and A)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, instance_norm, interpolate, leaky_relu, relu

from synthgen.networks.canvas import Canvas
from synthgen.networks.resnet import spectral
from synthgen.spec.image import ImageSpec

HIDDEN = 128
"""Channels between the maps and the gains, as in the paper."""


class MapGains(nn.Module):
    """Batch norm without gains of its own, times 1 + gain and plus offset, which a small network
    draws for every place from the maps (equation 1).

    The maps come in after the norm: what a map of one value says is not taken away again.
    """

    def __init__(self, width: int, maps: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.shared = nn.Conv2d(maps, hidden, 3, padding=1)
        self.gain = nn.Conv2d(hidden, width, 3, padding=1)
        self.offset = nn.Conv2d(hidden, width, 3, padding=1)

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:
        """``[N, width, h, w]`` and maps ``[N, maps, H, W]`` of any size, resized by the nearest
        value, to the shape of the features."""
        hidden = relu(self.shared(interpolate(maps, size=features.shape[2:], mode="nearest")))
        normed = self.norm(features)
        return torch.addcmul(self.offset(hidden), normed, 1 + self.gain(hidden))


class MapBlock(nn.Module):
    """Two convolutions, each after a norm that the maps modulate, beside a third where the widths
    differ (figure 15)."""

    def __init__(self, inputs: int, outputs: int, maps: int, hidden: int) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.first = spectral(nn.Conv2d(inputs, middle, 3, padding=1))
        self.second = spectral(nn.Conv2d(middle, outputs, 3, padding=1))
        self.first_norm = MapGains(inputs, maps, hidden)
        self.second_norm = MapGains(middle, maps, hidden)
        learns = inputs != outputs
        self.beside = spectral(nn.Conv2d(inputs, outputs, 1, bias=False)) if learns else None
        self.beside_norm = MapGains(inputs, maps, hidden) if learns else None

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:
        """``[N, inputs, h, w]`` to ``[N, outputs, h, w]``."""
        kept = features
        if self.beside is not None and self.beside_norm is not None:
            kept = self.beside(self.beside_norm(features, maps))
        made = self.first(leaky_relu(self.first_norm(features, maps), 0.2))
        made = self.second(leaky_relu(self.second_norm(made, maps), 0.2))
        return torch.add(kept, made)


class MapGenerator(nn.Module):
    """A latent to an image, doubled from 4 to 7 px; the maps enter by the norms alone."""

    def __init__(self, maps: int, image: ImageSpec, latent: int, width: int, hidden: int) -> None:
        """``width`` is that of the last block; towards the base it doubles, up to 16 times."""
        super().__init__()
        self.canvas = Canvas.for_image(image)
        widths = self.canvas.widths(width, 16 * width)
        self.base = nn.Linear(latent, widths[0] * self.canvas.base**2)
        self.blocks = nn.ModuleList(
            MapBlock(a, b, maps, hidden) for a, b in pairwise([widths[0], *widths])
        )
        self.to_image = nn.Conv2d(widths[-1], image.channels, 3, padding=1)

    def forward(self, latent: Tensor, maps: Tensor) -> Tensor:
        """Normal ``[N, latent]`` and ``float [N, maps, H, W]`` to ``float32 [N, C, H, W]`` in
        [-1, 1]."""
        side = self.canvas.base
        covered = self.canvas.cover(maps)
        features = self.base(latent).reshape(len(latent), -1, side, side)
        for number, block in enumerate(self.blocks):
            if number:
                features = interpolate(features, scale_factor=2.0)
            features = block(features, covered)
        drawn = torch.tanh(self.to_image(leaky_relu(features, 0.2)).float())
        return self.canvas.crop(drawn)


class PatchesAtScales(nn.Module):
    """PatchGANs on maps and image, of the whole size and, from 32 px on, of half of it."""

    def __init__(self, maps: int, image: ImageSpec, width: int, layers: int) -> None:
        super().__init__()
        widths = [width * min(2**layer, 8) for layer in range(layers + 1)]
        count = 2 if min(image.height, image.width) >= 32 else 1
        self.scales = nn.ModuleList(
            _scale([maps + image.channels, *widths], layers) for _ in range(count)
        )
        self.patches = sum(
            _patches(image.height >> n, layers) * _patches(image.width >> n, layers)
            for n in range(count)
        )
        """Logits of an image."""

    def forward(self, maps: Tensor, images: Tensor) -> Tensor:
        """Logits ``float32 [N, patches]``."""
        return self.look(maps, images)[:, : self.patches]

    def look(self, maps: Tensor, images: Tensor) -> Tensor:
        """Logits, and after them all features of the layers before, each divided by how many its
        layer has: ``float32 [N, patches + features]``."""
        shown = torch.cat([maps, images], dim=1)
        logits, seen = [], []
        for number, scale in enumerate(self.scales):
            features = avg_pool2d(shown, 2) if number else shown
            for layer, conv in enumerate(scale[:-1]):  # type: ignore[index]
                features = conv(features)
                features = leaky_relu(instance_norm(features) if layer else features, 0.2)
                flat = features.flatten(1).float()
                seen.append(flat / flat.shape[1])
            logits.append(scale[-1](features).flatten(1).float())  # type: ignore[index]
        return torch.cat([*logits, *seen], dim=1)


def _scale(widths: list[int], layers: int) -> nn.ModuleList:
    convs = [
        spectral(nn.Conv2d(a, b, 4, stride=2 if number < layers else 1, padding=1))
        for number, (a, b) in enumerate(pairwise(widths))
    ]
    return nn.ModuleList([*convs, spectral(nn.Conv2d(widths[-1], 1, 4, padding=1))])


def _patches(side: int, layers: int) -> int:
    """Logits along a side."""
    for _ in range(layers):
        side //= 2
    return side - 2
