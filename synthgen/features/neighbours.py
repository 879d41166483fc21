"""Nearest neighbours in a feature space, by looking at all: exact, in blocks that fit into memory.

What is compared by small whole numbers, shifts tried, is in ``fingerprint.py``.
"""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 2048
"""Rows of a distance matrix in memory at once."""


def nearest(
    queries: Tensor, points: Tensor, count: int, *, own: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The ``count`` nearest points of each query, the nearest first.

    Args:
        queries: features ``[N, d]``.
        points: features ``[M, d]``.
        count: neighbours wanted, at most M (or M - 1 with ``own``).
        own: ``int64 [N]``, where each query itself lies among the points, and is not counted.

    Returns:
        Euclidean distances ``float64 [N, count]`` and the points' rows ``int64 [N, count]``.

    Raises:
        ValueError: there are fewer points than neighbours wanted.
    """
    if count > len(points) - (own is not None):
        raise ValueError(f"{count} neighbours of {len(points)} points")
    first, second = queries.double(), points.double()
    distances, rows = [], []
    for start in range(0, len(first), BLOCK):
        block = torch.cdist(first[start : start + BLOCK], second)  # [block, M]
        if own is not None:
            block.scatter_(1, own[start : start + BLOCK, None], torch.inf)
        found = block.topk(count, dim=1, largest=False)
        distances.append(found.values)
        rows.append(found.indices)
    return torch.cat(distances), torch.cat(rows)


def radii(features: Tensor, neighbours: int) -> Tensor:
    """Distance of each row to its ``neighbours``-th nearest other row: ``float64 [N]``."""
    distances, _ = nearest(features, features, neighbours, own=torch.arange(len(features)))
    return distances[:, -1]
