"""The classifier of the strong protocol: convolutions behind a whitening layer, made to learn fast.

After the CIFAR-10 speed runs of Page (2018, "How to train your ResNet") and Jordan (2024,
arXiv:2404.00498): a fixed whitening of small patches, identity-like convolutions, one scale for
the logits.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, gelu, max_pool2d

from synthgen.features.classifier import WORKING_SIDE
from synthgen.spec.image import ImageSpec, to_float

PATCH = 2
"""Side of the patches that are whitened."""
LOGIT_SCALE = 1 / 9
LEAST_VARIANCE = 5e-4
NORM_MOMENTUM = 0.4
"""Of the norms' running means: a short training needs young ones."""


class Stage(nn.Module):
    """Two convolutions with norms, the side halved after the first where it is at least 4:
    ``[N, a, h, w]`` to ``[N, b, h / 2, w / 2]``."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.first, self.second = _near_identity(a, b), _near_identity(b, b)
        self.first_norm, self.second_norm = _shifting_norm(b), _shifting_norm(b)

    def forward(self, features: Tensor) -> Tensor:
        features = self.first(features)
        if min(features.shape[2:]) >= 4:
            features = max_pool2d(features, 2)
        features = gelu(self.first_norm(features))
        return gelu(self.second_norm(self.second(features)))


class StrongClassifier(nn.Module):
    """Images to class logits; in evaluation mode the mean over an image and its mirror image.

    1.2 million parameters and 0.13 GFLOP at 32 px in colour with the default width; reads ``[N, C,
    H, W]`` of any side from 4 px on, larger ones averaged down to under 64.
    """

    temperature: Tensor

    def __init__(
        self, image: ImageSpec, classes: int, width: int = 64, mirrored: bool = True
    ) -> None:
        super().__init__()
        self.image, self.classes = image, classes
        self.width, self.mirrored = width, mirrored
        self.shrink = max(1, min(image.height, image.width) // WORKING_SIDE)
        values = image.channels * PATCH**2
        self.whiten = nn.Conv2d(image.channels, 2 * values, PATCH).requires_grad_(False)
        widths = (2 * values, width, 2 * width, 4 * width)
        self.stages = nn.ModuleList(Stage(a, b) for a, b in pairwise(widths))
        self.head = nn.Linear(widths[-1], classes, bias=False)
        self.register_buffer("temperature", torch.ones(()))

    @torch.no_grad()
    def whiten_by(self, images: np.ndarray) -> None:
        """Set the first layer by images ``uint8 [N, H, W, C]``: its outputs are the principal
        components of patches, of variance 1, each with both signs."""
        pixels = self._shrunk(to_float(torch.from_numpy(np.array(images))))
        patches = pixels.unfold(2, PATCH, 1).unfold(3, PATCH, 1)
        rows = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, self.whiten.in_channels * PATCH**2)
        rows = rows.double()
        mean = rows.mean(dim=0)
        values, vectors = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
        scaled = (vectors / (values + LEAST_VARIANCE).sqrt()).T.flip(0)
        weight = torch.cat([scaled, -scaled])
        self.whiten.weight.copy_(weight.reshape(self.whiten.weight.shape))
        assert self.whiten.bias is not None
        self.whiten.bias.copy_(-weight @ mean)

    def _shrunk(self, images: Tensor) -> Tensor:
        return avg_pool2d(images, self.shrink) if self.shrink > 1 else images

    def features(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to the last features ``float32 [N, 4 * width]``."""
        features = gelu(self.whiten(self._shrunk(images)))
        for stage in self.stages:
            features = stage(features)
        return features.float().amax(dim=(2, 3))

    def classify(self, features: Tensor) -> Tensor:
        """Features ``[N, 4 * width]`` to logits ``float32 [N, classes]``."""
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.head(features.float()) * (LOGIT_SCALE / self.temperature)
        return logits

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to logits ``float32 [N, classes]``."""
        logits = self.classify(self.features(images))
        if self.training or not self.mirrored:
            return logits
        return (logits + self.classify(self.features(images.flip(3)))) / 2

    def config(self) -> dict[str, Any]:
        """JSON from which :meth:`from_config` builds the same network, weights apart."""
        return {
            "image": self.image.to_json(), "classes": self.classes, "width": self.width,
            "mirrored": self.mirrored,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> StrongClassifier:
        """The network of a :meth:`config`, freshly initialised."""
        own = (config["classes"], config["width"], config["mirrored"])
        return cls(ImageSpec(**config["image"]), *own)


def _near_identity(a: int, b: int) -> nn.Conv2d:
    """A convolution that begins by passing on what comes in, as far as there is room for it."""
    made = nn.Conv2d(a, b, 3, padding=1, bias=False)
    nn.init.dirac_(made.weight.data[: min(a, b)])
    return made


def _shifting_norm(width: int) -> nn.BatchNorm2d:
    """A norm of which only the shift is learnt."""
    made = nn.BatchNorm2d(width, momentum=NORM_MOMENTUM)
    made.weight.requires_grad_(False)
    return made
