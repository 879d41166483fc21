"""ProGAN's networks: all resolutions built at once, blended by one number.

Karras et al. 2017, arXiv:1710.10196, section 2 and appendix A. ``lod`` counts the doublings that
are missing: at 0 the whole network runs, at 1 the image is half as large and doubled, in between
the two are blended. It is a buffer, so a checkpoint, an average or a bundle carries it along.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from synthgen.networks.auxiliary import ClassHead, ClassifyingDiscriminator
from synthgen.networks.canvas import Canvas
from synthgen.networks.condition import embed, readable
from synthgen.networks.equalized import (
    EqualConv2d,
    EqualLinear,
    minibatch_deviation,
    pixel_norm,
)
from synthgen.networks.layers import ProjectionHead, activate
from synthgen.spec.task import Task


def double(images: Tensor) -> Tensor:
    """Each pixel becomes two by two: ``[N, C, H, W]`` to ``[N, C, 2H, 2W]``."""
    return interpolate(images, scale_factor=2.0)


def at_lod(images: Tensor, lod: float) -> Tensor:
    """Real images as sharp as the generator's at this ``lod``: ``[N, C, S, S]`` to the same shape.

    ``S`` must divide by two to the power of ``lod``, rounded up.
    """
    whole = math.floor(lod)
    coarse = _blocks(images, whole)
    if lod == whole:
        return coarse
    return torch.lerp(coarse, _blocks(images, whole + 1), lod - whole)


def _blocks(images: Tensor, levels: int) -> Tensor:
    """Every square of two to the power of ``levels`` pixels replaced by its mean."""
    if levels == 0:
        return images
    side = 2**levels
    return interpolate(avg_pool2d(images, side), scale_factor=float(side))


class ProgressiveGenerator(nn.Module):
    """Latents and labels to images of the full side, grown as far as ``lod`` says."""

    lod: Tensor

    def __init__(self, task: Task, latent: int, embedding: int, width: int, widest: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        widths = self.canvas.widths(width, widest)
        self.register_buffer("lod", torch.zeros(()))
        self.embedding = embed(task, embedding)
        # The first layer has a small gain, as in section A.1, so that it does not rule the rest.
        self.start = EqualLinear(latent + embedding, widths[0] * self.canvas.base**2, gain=0.5)
        self.first = nn.ModuleList(EqualConv2d(a, b, 3) for a, b in pairwise([widths[0], *widths]))
        self.second = nn.ModuleList(EqualConv2d(w, w, 3) for w in widths[1:])
        self.to_image = nn.ModuleList(
            EqualConv2d(w, task.image.channels, 1, gain=1.0) for w in widths
        )

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``float [N, latent]`` and ``int64 [N]`` to ``float [N, C, H, W]``, about [-1, 1]."""
        lod, levels, base = float(self.lod), self.canvas.levels, self.canvas.base
        given = pixel_norm(torch.cat([latents, self.embedding(labels)], dim=1))
        features = self.start(given).reshape(len(given), -1, base, base)
        features = pixel_norm(activate(features))
        features = pixel_norm(activate(self.first[0](features)))
        image = self.to_image[0](features)
        for level in range(1, levels + 1):
            image = double(image)
            coarse = lod - (levels - level)  # 0 when this level is fully there, 1 when not at all
            if coarse >= 1.0:
                continue
            features = pixel_norm(activate(self.first[level](double(features))))
            features = pixel_norm(activate(self.second[level - 1](features)))
            fine = self.to_image[level](features)
            image = fine if coarse <= 0.0 else torch.lerp(fine, image, coarse)
        return self.canvas.crop(image.float())


class ProgressiveDiscriminator(ClassifyingDiscriminator):
    """The generator's mirror: what it does not yet draw, it does not yet look at."""

    lod: Tensor

    def __init__(self, task: Task, width: int, widest: int, classify: bool = False) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        widths = self.canvas.widths(width, widest)
        self.register_buffer("lod", torch.zeros(()))
        self.from_image = nn.ModuleList(EqualConv2d(task.image.channels, w, 1) for w in widths)
        self.first = nn.ModuleList(EqualConv2d(w, w, 3) for w in widths[1:])
        self.second = nn.ModuleList(EqualConv2d(b, a, 3) for a, b in pairwise(widths))
        self.last = EqualConv2d(widths[0] + 1, widths[0], 3)
        self.collect = EqualConv2d(widths[0], widths[0], self.canvas.base, valid=True)
        self.head = ProjectionHead(widths[0], task, equalized=True)
        self.classes = ClassHead(widths[0], readable(task)) if classify else None

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits ``float32 [N]``."""
        logits: Tensor = self.head(self._features(images), labels)
        return logits

    def verdict(self, images: Tensor, labels: Tensor) -> Tensor:
        """Logits ``float32 [N, 1 + classes]``: of being real, then of each class.

        ``images`` are ``float [N, C, H, W]`` in [-1, 1], ``labels`` ``int64 [N]``. Needs
        ``classify``.
        """
        assert self.classes is not None
        features = self._features(images)
        return torch.cat([self.head(features, labels)[:, None], self.classes(features)], dim=1)

    def _features(self, images: Tensor) -> Tensor:
        """The last features, ``[N, widest]``."""
        lod, levels = float(self.lod), self.canvas.levels
        image = self.canvas.cover(images)
        features: Tensor | None = None
        for level in range(levels, 0, -1):
            coarse = lod - (levels - level)
            image_below = avg_pool2d(image, 2)
            if coarse < 1.0:
                if features is None:
                    features = activate(self.from_image[level](image))
                features = activate(self.first[level - 1](features))
                features = avg_pool2d(activate(self.second[level - 1](features)), 2)
                if coarse > 0.0:
                    seen = activate(self.from_image[level - 1](image_below))
                    features = torch.lerp(features, seen, coarse)
            image = image_below
        if features is None:
            features = activate(self.from_image[0](image))
        # Outside of training an image has no company: a logit depends on nothing but its image.
        deviating = minibatch_deviation(features, 4 if self.training else 1)
        features = activate(self.last(deviating))
        collected: Tensor = activate(self.collect(features)).flatten(1)
        return collected
