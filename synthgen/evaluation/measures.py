"""All distances and shares between two sets of features at once."""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor

from synthgen.data.splits import evenly
from synthgen.evaluation.fidelity import frechet_distance
from synthgen.evaluation.kernel_distance import kernel_distance
from synthgen.evaluation.manifold import manifold

MOST_NEIGHBOURS = 5_000
"""Rows of each side for precision and its like, at most: their cost grows with the square."""


def measure(real: Tensor, made: Tensor) -> dict[str, float]:
    """All distances and shares between two sets of features ``[N, F]`` and ``[M, F]``, by name.

    Precision and its like are taken on at most :data:`MOST_NEIGHBOURS` rows of each side, as many
    of one as of the other: they depend on the number.

    Raises:
        ValueError: a set has fewer than six rows.
    """
    count = min(len(real), len(made), MOST_NEIGHBOURS)
    near = manifold(
        real[torch.from_numpy(evenly(len(real), count))],
        made[torch.from_numpy(evenly(len(made), count))],
    )
    return {
        "frechet_distance": frechet_distance(made, real),
        "kernel_distance": kernel_distance(made, real),
        **asdict(near),
    }
