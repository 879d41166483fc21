"""Losses of masks in [0, 1]: pure functions of ``float [N, 1, H, W]``; each returns a scalar."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import relu


def undecided(mask: Tensor) -> Tensor:
    """The mean binary entropy of the mask's values, in bits: 0 where all are 0 or 1, 1 at a half.

    Sauer & Geiger 2021, arXiv:2101.06046, "Shape Mechanism".
    """
    share = mask.float().clamp(1e-6, 1 - 1e-6)
    entropy = -(share * torch.log2(share) + (1 - share) * torch.log2(1 - share))
    return entropy.mean()


def outside_bounds(mask: Tensor, least: float, most: float) -> Tensor:
    """How far the masks' areas, as shares of the image, lie outside of ``least`` to ``most``: the
    mean over images; 0 where all lie within.

    Sauer & Geiger 2021, arXiv:2101.06046, "Shape Mechanism".
    """
    area = mask.float().mean(dim=(1, 2, 3))
    return (relu(least - area) + relu(area - most)).mean()


def area(mask: Tensor) -> Tensor:
    """The masks' mean area, as a share of the image: what a mask covers beyond its object costs."""
    return mask.float().mean()
