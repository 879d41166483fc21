"""CutMix: a box of another image, and as much of its label.

Yun et al. 2019, arXiv:1905.04899, section 3 and algorithm 1 of the appendix.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

SHARE = 0.5
"""Of the steps that mix (the paper's for CIFAR)."""


def cutmix(images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Images ``[N, C, H, W]`` with one box each from another image of the batch, and targets ``[N,
    K]`` of which the other image's has the share of the area that was really pasted.

    The box has the area 1 - l, l uniform in (0, 1), around a uniform centre; what lies outside the
    image is cut off. Draws from torch's global generator.
    """
    height, width = images.shape[2:]
    drawn = torch.rand(3)
    side = float(1 - drawn[0]) ** 0.5
    top, bottom = _span(height, side, float(drawn[1]))
    left, right = _span(width, side, float(drawn[2]))
    others = torch.randperm(len(images), device=images.device)
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[others, :, top:bottom, left:right]
    pasted = (bottom - top) * (right - left) / (height * width)
    return mixed, (1 - pasted) * targets + pasted * targets[others]


def _span(size: int, share: float, place: float) -> tuple[int, int]:
    """First pixel and the one behind the last of a stretch, cut off at the edges."""
    centre, half = int(place * size), int(share * size) / 2
    return max(0, int(centre - half)), min(size, int(centre + half))


def cutmix_loss(
    network: nn.Module, augment: Callable[[Tensor], Tensor], pixels: Tensor, truth: Tensor
) -> Tensor:
    """Cross-entropy of augmented images, mixed in half of the steps."""
    pixels = augment(pixels)
    if float(torch.rand(())) < SHARE:
        pixels, truth = cutmix(pixels, truth)
    logits = network(pixels)
    return cross_entropy(logits, truth[:, : logits.shape[1]])
