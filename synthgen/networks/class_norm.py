"""Normalisation whose gains and offsets belong to what is given."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from synthgen.networks.baking import norm_scale
from synthgen.networks.condition import embed, start
from synthgen.spec.task import Task


def batch_norm(width: int) -> nn.Module:
    """Batch norm without gains of its own."""
    return nn.BatchNorm2d(width, affine=False)


def instance_norm(width: int) -> nn.Module:
    """Instance norm without gains of its own."""
    return nn.InstanceNorm2d(width)


class ClassGains(nn.Module):
    """A normalisation with a gain and an offset per class: Dumoulin et al. 2017, 1610.07629.

    Of a condition that is no label, they are linear in it.
    """

    def __init__(
        self, width: int, task: Task, norm: Callable[[int], nn.Module] = batch_norm
    ) -> None:
        super().__init__()
        self.norm = norm(width)
        self.gain = embed(task, width)
        self.offset = embed(task, width)
        start(self.gain, mean=1.0, std=0.02)
        start(self.offset, std=0.0)

    def bake(self) -> None:
        """Put a batch norm into gains and offsets that are of a label alone."""
        gain, offset = self.gain, self.offset
        if not (isinstance(gain, nn.Embedding) and isinstance(offset, nn.Embedding)):
            return
        if isinstance(self.norm, nn.BatchNorm2d):
            scale, shift = norm_scale(self.norm)
            offset.weight.addcmul_(gain.weight, shift)
            gain.weight.mul_(scale)
            self.norm = nn.Identity()

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """``[N, width, H, W]`` and ``int64 [N]`` to the same shape."""
        gain, offset = self.gain(labels), self.offset(labels)
        normed: Tensor = self.norm(features)
        return torch.addcmul(offset[:, :, None, None], normed, gain[:, :, None, None])
