"""Which images of a pool keep the label that classifiers gave them: the sure ones, in measure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Chosen:
    """What classifiers said of a pool of N images, and which of them are kept."""

    labels: np.ndarray
    """``int64 [N]``: the most probable class."""
    confidence: np.ndarray
    """``float32 [N]``: its probability."""
    kept: np.ndarray
    """``bool [N]``."""
    unsure: int
    """Images left out for too little confidence."""
    surplus: int
    """Images that were sure enough, of classes that had too many."""

    def counts(self, classes: int) -> np.ndarray:
        """``int64 [classes]``: how many of each class are kept."""
        return np.bincount(self.labels[self.kept], minlength=classes)


def choose(
    probabilities: np.ndarray,
    shares: np.ndarray,
    *,
    confidence: float,
    ratio: float,
    known: np.ndarray | None = None,
) -> Chosen:
    """The labels of a pool and which of them are kept.

    Kept are images whose most probable class has at least ``confidence``; of a class that has more
    of them than :func:`most_of` allows, the surest. The measure is taken class by class, as in
    class-balanced self-training (Zou et al. 2018, arXiv:1810.07911, section 4).

    Args:
        probabilities: ``float [N, K]``, rows that add up to 1.
        shares: ``float [K]``, what share of the pool each class is expected to be; above 0.
        confidence: in [0, 1).
        ratio: how far a class may exceed the median one, 1 or more.
        known: ``bool [N]``, images whose class is known anyway: none of them is kept here.
    """
    labels = probabilities.argmax(axis=1).astype(np.int64)
    sure = probabilities.max(axis=1).astype(np.float32)
    asked = np.ones(len(labels), dtype=bool) if known is None else ~known
    candidates = asked & (sure >= np.float32(confidence))
    classes = probabilities.shape[1]
    counts = np.bincount(labels[candidates], minlength=classes)
    kept = candidates.copy()
    for label, most in enumerate(most_of(counts, shares, ratio)):
        rows = np.flatnonzero(candidates & (labels == label))
        if len(rows) > most:
            surest_first = rows[np.argsort(-sure[rows], kind="stable")]
            kept[surest_first[most:]] = False
    return Chosen(
        labels, sure, kept, int((asked & ~candidates).sum()), int((candidates & ~kept).sum())
    )


def most_of(counts: np.ndarray, shares: np.ndarray, ratio: float) -> list[int]:
    """How many images each class may keep: ``ratio`` times as many as the median class that has
    any, each by its share.

    Of two in the middle the smaller one counts: half of the classes that run away are still held.
    """
    there = np.flatnonzero(counts)
    if not len(there):
        return [0] * len(counts)
    by_share = np.sort(counts[there] / shares[there])
    median = float(by_share[(len(there) - 1) // 2])
    # A whole number of images that floating point has put a hair above itself stays itself.
    return [math.ceil(ratio * float(share) * median - 1e-9) for share in shares]
