"""Normalisation whose gains and offsets belong to the class."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from synthgen.networks.baking import norm_scale


def batch_norm(width: int) -> nn.Module:
    """Batch norm without gains of its own."""
    return nn.BatchNorm2d(width, affine=False)


def instance_norm(width: int) -> nn.Module:
    """Instance norm without gains of its own."""
    return nn.InstanceNorm2d(width)


class ClassGains(nn.Module):
    """A normalisation with a gain and an offset per class: Dumoulin et al. 2017, 1610.07629."""

    def __init__(
        self, width: int, classes: int, norm: Callable[[int], nn.Module] = batch_norm
    ) -> None:
        super().__init__()
        self.norm = norm(width)
        self.gain = nn.Embedding(classes, width)
        self.offset = nn.Embedding(classes, width)
        nn.init.normal_(self.gain.weight, mean=1.0, std=0.02)
        nn.init.zeros_(self.offset.weight)

    def bake(self) -> None:
        """Put a batch norm into the gains and offsets."""
        if isinstance(self.norm, nn.BatchNorm2d):
            scale, shift = norm_scale(self.norm)
            self.offset.weight.addcmul_(self.gain.weight, shift)
            self.gain.weight.mul_(scale)
            self.norm = nn.Identity()

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """``[N, width, H, W]`` and ``int64 [N]`` to the same shape."""
        gain, offset = self.gain(labels), self.offset(labels)
        normed: Tensor = self.norm(features)
        return torch.addcmul(offset[:, :, None, None], normed, gain[:, :, None, None])
