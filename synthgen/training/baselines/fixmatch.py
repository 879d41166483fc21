"""FixMatch: what a classifier is sure of in a weak view is its label in a strong one.

Sohn et al. 2020, arXiv:2001.07685, section 2, equations 3 and 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample

from synthgen.training.augment import cutout, jitter, translate
from synthgen.training.baselines.pool import Pool

SURE = 0.95
"""Least probability of a label that is believed (tau)."""
TURN = math.radians(20)
SHEAR = 0.2
ZOOM = 0.15


def strong_view(images: Tensor) -> Tensor:
    """``float [N, C, H, W]`` in [-1, 1] to the same shape: turned, sheared, scaled, shifted, of
    other brightness, saturation and contrast, and with a square of half the side blanked.

    In place of the paper's RandAugment. Draws from torch's global generator.
    """
    return cutout(translate(jitter(_warped(images))))


def _warped(images: Tensor) -> Tensor:
    turn, shear, zoom = (torch.rand(3, len(images), device=images.device) * 2 - 1).unbind()
    turn, shear, zoom = turn * TURN, shear * SHEAR, 1 + zoom * ZOOM
    nought = torch.zeros_like(turn)
    first = torch.stack([zoom * turn.cos(), shear - turn.sin(), nought], dim=1)
    second = torch.stack([turn.sin(), zoom * turn.cos(), nought], dim=1)
    grid = affine_grid(torch.stack([first, second], dim=1), list(images.shape), False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


def unlabelled_loss(weak: Tensor, strong: Tensor, sure: float = SURE) -> Tensor:
    """The mean over all images, of which those below ``sure`` count as nought, of the strong
    view's cross-entropy with the weak view's likeliest class.

    ``weak`` and ``strong`` are logits ``float [N, K]`` of two views of the same images; no gradient
    goes through ``weak``.
    """
    probability, label = weak.detach().softmax(dim=1).max(dim=1)
    losses = cross_entropy(strong, label, reduction="none")
    return (losses * (probability >= sure)).mean()


class FixMatchLoss:
    """Cross-entropy of labelled images, and of as many of the pool by their own labels."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __call__(
        self, network: nn.Module, augment: Callable[[Tensor], Tensor], pixels: Tensor, truth: Tensor
    ) -> Tensor:
        count = len(pixels)
        pool = self._pool.next(count, pixels.device)
        # One pass for all three: the norms see the same mixture in either view.
        views = torch.cat([augment(pixels), augment(pool), strong_view(pool)])
        logits = network(views.contiguous(memory_format=torch.channels_last))
        labelled, weak, strong = logits.split(count)
        return cross_entropy(labelled, truth[:, : logits.shape[1]]) + unlabelled_loss(weak, strong)
