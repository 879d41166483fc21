"""Kernel inception distance's statistic on any features."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 2048
"""Rows of a kernel matrix in memory at once."""


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3.

    Bińkowski et al. 2018, arXiv:1801.01401, equation 4 and section 4.1, over all rows (no subsets),
    in float64. Zero in the mean for equal laws; may be slightly negative.

    Args:
        a: features ``[N, d]``.
        b: features ``[M, d]``.

    Raises:
        ValueError: a set has fewer than two rows.
    """
    if len(a) < 2 or len(b) < 2:
        raise ValueError("a kernel distance needs two rows on each side")
    first, second = a.double(), b.double()
    own = sum(_kernel_sum(x, x, diagonal=False) / (len(x) * (len(x) - 1)) for x in (first, second))
    return float(own - 2 * _kernel_sum(first, second) / (len(first) * len(second)))


def _kernel_sum(x: Tensor, y: Tensor, diagonal: bool = True) -> float:
    total = 0.0
    for start in range(0, len(x), BLOCK):
        values = (x[start : start + BLOCK] @ y.t() / x.shape[1] + 1) ** 3
        total += float(values.sum())
        if not diagonal:
            total -= float(torch.diagonal(values, offset=start).sum())
    return total
