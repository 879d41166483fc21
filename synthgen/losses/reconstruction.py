"""Losses between images that ought to be equal."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import l1_loss


def absolute_error(made: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference (L1) of two tensors of one shape: a scalar.

    The cycle and identity losses of Zhu et al. 2017, arXiv:1703.10593, equation 2.
    """
    return l1_loss(made.float(), wanted.float())
