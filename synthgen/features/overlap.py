"""How far two masks are the same, class by class."""

from __future__ import annotations

import numpy as np


def confused(said: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """How many pixels of each class (row) are taken for each class (column): ``int64 [K, K]``, from
    masks ``uint8 [N, H, W]``, both of one shape."""
    places = truth.reshape(-1).astype(np.int64) * classes + said.reshape(-1)
    counts: np.ndarray = np.bincount(places, minlength=classes * classes)
    return counts.reshape(classes, classes)


def overlaps(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class, ``float64 [K]`` in [0, 1], from counts as
    :func:`confused` gives them; ``nan`` of a class that is neither there nor said to be.

    Everingham et al. 2010, The PASCAL Visual Object Classes Challenge, section 4.3.
    """
    both = counts.diagonal().astype(np.float64)
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    shares = np.full(len(counts), np.nan)
    np.divide(both, either, out=shares, where=either > 0)
    return shares


def mean_overlap(counts: np.ndarray) -> float:
    """The mean of :func:`overlaps` (mIoU) over the classes that are there or said to be."""
    return float(np.nanmean(overlaps(counts)))
