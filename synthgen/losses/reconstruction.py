"""Losses between images that ought to be equal."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import l1_loss


def absolute_error(made: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference (L1): the cycle and identity losses of arXiv:1703.10593, eq. 2."""
    return l1_loss(made.float(), wanted.float())
