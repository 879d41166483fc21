"""Repeats: images that are there twice, and images that were taken from the training set.

Both are judged by what is usual among real images: a limit is a quantile of the real images' own
distances, and the share of made images under it stands beside the share of other real images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthgen.features.neighbours import nearest

USUAL = 0.01
"""Share of real images that are closer than the limit."""

NEIGHBOUR = 5
"""A training image's surroundings reach to this neighbour of it."""

FEWEST = 40
"""Real images that a quantile of one in a hundred needs to mean anything."""


@dataclass(frozen=True)
class Pair:
    """Two rows and how close they are."""

    made: int
    other: int
    closeness: float


@dataclass(frozen=True)
class Closeness:
    """How close images come to others, and how close real ones do.

    ``share`` of the made images and ``real_share`` of real ones are under ``limit``, which
    :data:`USUAL` of another lot of real images are.
    """

    images: int
    limit: float
    share: float
    real_share: float
    curve: tuple[float, ...]
    """Quantiles 0, 1, …, 100 % of the made images' closeness."""
    real_curve: tuple[float, ...]
    pairs: tuple[Pair, ...]
    """The closest, each row at most once."""


def within(made: Tensor, real: Tensor, other_real: Tensor, pairs: int) -> Closeness | None:
    """How near made images are to each other: near duplicates. ``None`` if there are too few.

    Closeness is the distance to the nearest other image of the same set. The sets are features
    ``[n, F]`` of the same number and class by class the same counts, as distances depend on it.
    """
    if len(made) < FEWEST:
        return None
    distances, rows = _to_others(made)
    limit = float(torch.quantile(_to_others(real)[0], USUAL))
    usual, _ = _to_others(other_real)
    once: list[Pair] = []
    used: set[int] = set()
    for row in distances.argsort(stable=True).tolist():
        other = int(rows[row])
        if row not in used and other not in used:
            once.append(Pair(row, other, float(distances[row])))
            used |= {row, other}
        if len(once) == pairs:
            break
    return _closeness(distances, usual, limit, tuple(once))


def to_training(
    made: Tensor, training: Tensor, held: Tensor | None, pairs: int
) -> Closeness | None:
    """How near made images come to training images, beside unseen real images. ``None``: too few.

    Closeness is the distance to the nearest training image over that image's distance to its own
    :data:`NEIGHBOUR`-th neighbour in training: a copy is at 0, whatever it shows, while an image of
    a crowded kind, to which everything is near, is no nearer than its kind is to itself.

    Args:
        made: features ``[M, F]``.
        training: features ``[N, F]``.
        held: features ``[K, F]`` of real images that training did not show; without them each
            training image stands for an unseen one among the others.
        pairs: how many of the closest to give; ``other`` is a row of ``training``.
    """
    own = None if held is not None else torch.arange(len(training))
    unseen = training if held is None else held
    if len(unseen) < FEWEST or len(training) <= NEIGHBOUR + 1:
        return None
    every = torch.arange(len(training))
    around, _ = nearest(training, training, NEIGHBOUR + 1, own=every)  # [N, 6]
    closeness, rows = _relative(made, training, around, None)
    usual, _ = _relative(unseen, training, around, own)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(usual)))
    limit = float(torch.quantile(usual[order[::2]], USUAL))
    closest = [
        Pair(row, int(rows[row]), float(closeness[row]))
        for row in closeness.argsort(stable=True)[:pairs].tolist()
    ]
    return _closeness(closeness, usual[order[1::2]], limit, tuple(closest))


def _relative(
    queries: Tensor, training: Tensor, around: Tensor, own: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Closeness ``float64 [N]`` and the nearest training rows ``int64 [N]``."""
    distances, rows = nearest(queries, training, 1, own=own)
    distance, row = distances[:, 0], rows[:, 0]
    reach = around[row, NEIGHBOUR - 1]
    if own is not None:
        # The query is one of its neighbour's neighbours: without it the next one counts.
        reach = torch.where(distance <= reach, around[row, NEIGHBOUR], reach)
    # Among copies of copies nothing is farther than anything.
    crowded = torch.where(distance > 0, torch.ones_like(distance), torch.zeros_like(distance))
    return torch.where(reach > 0, distance / reach, crowded), row


def _to_others(features: Tensor) -> tuple[Tensor, Tensor]:
    distances, rows = nearest(features, features, 1, own=torch.arange(len(features)))
    return distances[:, 0], rows[:, 0]


def _closeness(made: Tensor, real: Tensor, limit: float, pairs: tuple[Pair, ...]) -> Closeness:
    levels = torch.linspace(0, 1, 101, dtype=torch.float64)
    return Closeness(
        images=len(made),
        limit=limit,
        share=float((made <= limit).double().mean()),
        real_share=float((real <= limit).double().mean()),
        curve=tuple(torch.quantile(made, levels).tolist()),
        real_curve=tuple(torch.quantile(real, levels).tolist()),
        pairs=pairs,
    )


def repeated(hashes: np.ndarray) -> int:
    """How many of ``hashes [N]`` were there before: images beyond the first of their kind."""
    return len(hashes) - len(np.unique(hashes))
