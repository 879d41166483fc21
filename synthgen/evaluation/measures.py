"""All distances and shares between two sets of features, and what they come to for real images."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from synthgen.data.splits import evenly
from synthgen.evaluation.fidelity import frechet_distance
from synthgen.evaluation.kernel_distance import kernel_distance
from synthgen.evaluation.manifold import manifold

MOST_NEIGHBOURS = 5_000
"""Rows of each side for precision and its like, at most: their cost grows with the square."""

FEWEST = 10
"""Rows of each side that a class needs to be measured on its own."""


@dataclass(frozen=True)
class Measures:
    """Distances are 0 in the mean for equal laws of infinitely many images and grow as few images
    are compared; precision, recall and coverage are shares; density is 1 for equal laws."""

    frechet_distance: float
    kernel_distance: float
    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True)
class Compared:
    """Made against real images, beside other real against the same real images: same numbers."""

    images: int
    """Of each of the three sides."""
    made: Measures
    real: Measures
    other_class: str | None = None
    """Of a class: the class whose real images are nearest to its own."""
    other_class_distance: float | None = None
    """The Fréchet distance to that class' real images."""

    def beside(self, other_class: str, distance: float) -> Compared:
        """These measures, with the name and distance of the class that is nearest to this one."""
        return replace(self, other_class=other_class, other_class_distance=distance)


@dataclass(frozen=True)
class Sides:
    """Rows to compare, as many of each class on each side, so that a class that one side has more
    of is not taken for a difference between images. ``int64 [n]`` each."""

    reference: np.ndarray
    """Real images."""
    real: np.ndarray
    """Other real images."""
    made: np.ndarray
    labels: np.ndarray
    """The class of a position, the same on all sides."""

    def of(self, label: int) -> Sides:
        """The rows of one class."""
        own = self.labels == label
        return Sides(self.reference[own], self.real[own], self.made[own], self.labels[own])


def matched(real_labels: np.ndarray, made_labels: np.ndarray, classes: int) -> Sides:
    """Two halves of the real rows and as many made ones, class by class; chosen at random."""
    rng = np.random.default_rng(0)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for label in range(classes):
        real = rng.permutation(np.flatnonzero(real_labels == label))
        made = rng.permutation(np.flatnonzero(made_labels == label))
        count = min(len(real) // 2, len(made))
        parts.append((real[:count], real[count : 2 * count], made[:count]))
    reference, other, made_rows = (np.concatenate(side) for side in zip(*parts, strict=True))
    labels = np.repeat(np.arange(classes), [len(part[0]) for part in parts])
    return Sides(reference, other, made_rows, labels)


def measure(real: Tensor, made: Tensor) -> Measures:
    """All distances and shares between two sets of features ``[N, F]`` and ``[M, F]``.

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
    return Measures(
        frechet_distance=frechet_distance(made, real),
        kernel_distance=kernel_distance(made, real),
        **asdict(near),
    )


def compare(real: Tensor, made: Tensor, sides: Sides) -> Compared | None:
    """Made and other real features against the same real ones; ``None`` if there are too few.

    ``real [N, F]`` and ``made [M, F]`` are what the rows of ``sides`` are of.
    """
    count = len(sides.reference)
    if count < FEWEST:
        return None
    reference = real[torch.from_numpy(sides.reference)]
    return Compared(
        images=count,
        made=measure(reference, made[torch.from_numpy(sides.made)]),
        real=measure(reference, real[torch.from_numpy(sides.real)]),
    )


def nearest_class(real: Tensor, sides: Sides, label: int, classes: int) -> tuple[int, float] | None:
    """The other class whose real images have the nearest mean, and the Fréchet distance to it.

    It tells what a distance means: made images of a class that are farther from its real ones than
    another class is do not show it. ``None`` if no other class has images enough.
    """
    own = real[torch.from_numpy(sides.of(label).reference)]
    found: tuple[int, float] | None = None
    least = float("inf")
    for other in range(classes):
        rows = sides.of(other).reference
        if other == label or len(rows) < FEWEST:
            continue
        apart = float((real[torch.from_numpy(rows)].mean(dim=0) - own.mean(dim=0)).norm())
        if apart < least:
            least, found = apart, (other, 0.0)
    if found is None:
        return None
    theirs = real[torch.from_numpy(sides.of(found[0]).reference)]
    return found[0], frechet_distance(theirs, own)
