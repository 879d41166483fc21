"""Layers of ProGAN and StyleGAN: weights of unit variance, scaled when used.

Equalised learning rate: Karras et al. 2017, arXiv:1710.10196, section 4.1. An optimiser that
divides by the size of the gradient then moves every layer at the same relative speed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear


class EqualConv2d(nn.Module):
    """A convolution of stride 1 that keeps the size, or of ``valid`` form; stored weights are
    N(0, 1), used ones have variance ``gain^2 / fan-in`` (He et al. 2015 for ``gain`` sqrt 2)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, gain: float = 2**0.5, valid: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / (inputs * kernel * kernel) ** 0.5
        self.padding = 0 if valid else kernel // 2

    def bake(self) -> None:
        """Scale the weights once."""
        self.weight.mul_(self.scale)
        self.scale = 1.0

    def forward(self, features: Tensor) -> Tensor:
        """``[N, inputs, H, W]`` to ``[N, outputs, H, W]`` (``valid``: smaller by kernel - 1)."""
        weight = self.weight if self.scale == 1.0 else self.weight * self.scale
        return conv2d(features, weight, self.bias, padding=self.padding)


class EqualLinear(nn.Module):
    """A dense layer with scaled weights; ``lr_factor`` slows it down (StyleGAN's mapping: 0.01)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        gain: float = 1.0,
        lr_factor: float = 1.0,
        bias: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_factor)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr_factor))
        self.scale = gain * lr_factor / inputs**0.5
        self.lr_factor = lr_factor

    def bake(self) -> None:
        """Scale weights and biases once."""
        self.weight.mul_(self.scale)
        self.bias.mul_(self.lr_factor)
        self.scale = self.lr_factor = 1.0

    def forward(self, features: Tensor) -> Tensor:
        """``[N, inputs]`` to ``[N, outputs]``."""
        if self.scale == self.lr_factor == 1.0:
            return linear(features, self.weight, self.bias)
        return linear(features, self.weight * self.scale, self.bias * self.lr_factor)


def pixel_norm(features: Tensor) -> Tensor:
    """Bring each pixel's features to unit mean square: arXiv:1710.10196, section 4.2.

    ``[N, C, ...]`` to the same shape; the norm is over dimension 1.
    """
    power = features.float().square().mean(dim=1, keepdim=True)
    return features * (power + 1e-8).rsqrt().to(features.dtype)


def minibatch_deviation(features: Tensor, group: int = 4) -> Tensor:
    """Append one channel: how much the images of a group differ (arXiv:1710.10196, section 3).

    ``[N, C, H, W]`` to ``[N, C + 1, H, W]``. The batch is dealt into groups of ``group`` (fewer if
    it does not divide); the standard deviation over a group, averaged over channels and places, is
    0 for identical images, and for a group of one.
    """
    count = len(features)
    size = next(size for size in range(min(group, count), 0, -1) if count % size == 0)
    grouped = features.float().reshape(size, count // size, *features.shape[1:])
    centred = grouped - grouped.mean(dim=0)
    # The root's slope at nought is infinite: the small constant is inside, and taken off again.
    deviation = (centred.square().mean(dim=0) + 1e-8).sqrt() - 1e-4
    statistic = deviation.mean(dim=(1, 2, 3)).repeat(size)  # [N]
    plane = statistic[:, None, None, None].expand(-1, 1, *features.shape[2:])
    return torch.cat([features, plane.to(features.dtype)], dim=1)
