"""Precision and recall, density and coverage: where samples lie among the real images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from synthgen.features.neighbours import BLOCK, radii


@dataclass(frozen=True)
class Manifold:
    """Shares in [0, 1], but ``density``, which is 1 in the mean for equal laws.

    ``precision``: samples within a real image's neighbourhood; ``recall``: real images within a
    sample's; ``coverage``: real images whose neighbourhood holds a sample.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(real: Tensor, made: Tensor, neighbours: int = 5) -> Manifold:
    """Compare two sets of features by balls that reach to the ``neighbours``-th nearest of a set.

    Precision and recall: Kynkäänniemi et al. 2019, arXiv:1904.06991, equation 2. Density and
    coverage: Naeem et al. 2020, arXiv:2002.09797, equations 5 and 6. Distances in float64.

    Args:
        real: features ``[N, d]``.
        made: features ``[M, d]``.
        neighbours: k of the k-th nearest neighbour, itself not counted.

    Raises:
        ValueError: a set has no more than ``neighbours`` rows.
    """
    if min(len(real), len(made)) <= neighbours:
        raise ValueError(f"balls to the {neighbours}th neighbour need more than {neighbours} rows")
    first, second = real.double(), made.double()
    real_radius, made_radius = radii(first, neighbours), radii(second, neighbours)
    inside = torch.zeros(len(second), dtype=torch.int64)
    recalled = torch.zeros(len(first), dtype=torch.bool)
    covered = torch.zeros(len(first), dtype=torch.bool)
    for start in range(0, len(first), BLOCK):
        part = slice(start, start + BLOCK)
        distances = torch.cdist(first[part], second)  # [block, M]
        within = distances <= real_radius[part, None]
        inside += within.sum(dim=0)
        covered[part] = within.any(dim=1)
        recalled[part] = (distances <= made_radius[None]).any(dim=1)
    return Manifold(
        precision=float((inside > 0).double().mean()),
        recall=float(recalled.double().mean()),
        density=float(inside.double().mean() / neighbours),
        coverage=float(covered.double().mean()),
    )
