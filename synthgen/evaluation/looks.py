"""Whether two sets of images have another look, and whether their corners tell their class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from synthgen.features.neighbours import nearest

FEWEST = 8
"""Images of a set, or of a class, that say something about it."""

COMPARED = 1_000
"""Images of a set that are looked at."""

REPEATS = 5
"""Random halves that a share is the mean over."""

CLEAR, CLEARER = 0.75, 0.1
"""Another look: at least so large a share is told apart, and so much more than of halves."""

DARK, LIGHT = 0.05, 0.95
"""Values of a pixel that count as nearly black and nearly white."""


@dataclass(frozen=True)
class Apart:
    """How well the images of two sets are told apart by their look: which share of them is put into
    the right set (one half is a guess), and the same of random halves of the first set, the largest
    of several."""

    share: float
    halves: float

    @property
    def another(self) -> bool:
        """Whether the sets have another look."""
        return self.share >= max(CLEAR, self.halves + CLEARER)


def compare_looks(first: np.ndarray, second: np.ndarray, seed: int) -> Apart | None:
    """How well two sets ``[N, d]``, ``[M, d]`` of numbers are told apart, and halves of the first;
    ``None`` where one of them has fewer than twice :data:`FEWEST` rows.

    The judge is a linear discriminant on the numbers and their squares, with a ridge for few rows
    (a classifier two-sample test: Lopez-Paz & Oquab 2017, arXiv:1610.06545, section 3). How sure it
    is of a difference does not count, for with many images the smallest is sure: the share does.
    """
    if min(len(first), len(second)) < 2 * FEWEST:
        return None
    rng = np.random.default_rng([seed, 1])
    first, second = (rng.permutation(each)[:COMPARED] for each in (first, second))
    halves = []
    for _ in range(REPEATS):
        mixed = rng.permutation(first)
        halves.append(_told_apart(mixed[::2], mixed[1::2], rng))
    return Apart(_told_apart(first, second, rng), max(halves))


def _told_apart(first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> float:
    """The share of held-out rows that are put into the right set, both sets counting the same."""
    size = min(len(first), len(second))
    right = []
    for _ in range(REPEATS):
        sets = [rng.permutation(each)[:size] for each in (first, second)]
        for fold in range(2):
            learnt = [each[fold::2] for each in sets]
            asked = [each[1 - fold :: 2] for each in sets]
            said = [_side(each, learnt) for each in asked]
            right.append(((said[0] < 0).mean() + (said[1] >= 0).mean()) / 2)
    return float(np.mean(right))


def _side(rows: np.ndarray, learnt: list[np.ndarray]) -> np.ndarray:
    """Fisher's discriminant of each row, below nought for the first of the sets learnt."""
    both = np.concatenate(learnt)
    middle, spread = both.mean(axis=0), both.std(axis=0) + 1e-9

    def extended(values: np.ndarray) -> np.ndarray:
        scaled = np.clip((values - middle) / spread, -4, 4)
        return np.concatenate([scaled, scaled**2], axis=1)

    sets = [extended(each) for each in learnt]
    means = [each.mean(axis=0) for each in sets]
    within = np.concatenate([each - mean for each, mean in zip(sets, means, strict=True)])
    ridge = 0.1 + within.shape[1] / len(within)
    scatter = within.T @ within / len(within) + ridge * np.eye(within.shape[1])
    axis = np.linalg.solve(scatter, means[1] - means[0])
    found: np.ndarray = (extended(rows) - (means[0] + means[1]) / 2) @ axis
    return found


def look_of(images: np.ndarray) -> np.ndarray:
    """A few numbers of each image that say how it looks rather than what it shows, ``float64
    [N, d]``, from ``uint8 [N, H, W, C]``: brightness and contrast of each channel, how much is
    nearly black or white, edges at two scales, colourfulness."""
    pixels = images.astype(np.float64) / 255
    count, _, _, channels = pixels.shape
    flat = pixels.reshape(count, -1, channels)
    grey = pixels.mean(axis=3)
    numbers = [flat.mean(axis=1), flat.std(axis=1)]
    numbers += list(np.quantile(flat, (0.05, 0.5, 0.95), axis=1))
    ends = [(grey < DARK).mean(axis=(1, 2)), (grey > LIGHT).mean(axis=(1, 2))]
    colour = (pixels.max(axis=3) - pixels.min(axis=3)).mean(axis=(1, 2))
    even = grey[:, : grey.shape[1] // 2 * 2, : grey.shape[2] // 2 * 2]
    half = even.reshape(count, even.shape[1] // 2, 2, even.shape[2] // 2, 2).mean(axis=(2, 4))
    edges = [np.abs(np.diff(each, axis=axis)).mean(axis=(1, 2))
             for each in (grey, half) for axis in (1, 2)]  # fmt: skip
    return np.concatenate([*numbers, np.stack([*ends, colour, *edges], axis=1)], axis=1)


@dataclass(frozen=True)
class Corners:
    """What the corners of images say of their class."""

    share: float
    """Of the images of a class, in the mean over the classes, how many have the class of the image
    whose corners are nearest to theirs."""
    guess: float
    """One over the number of classes."""

    @property
    def telling(self) -> bool:
        """Whether they take it more than half of the way from a guess to always."""
        return self.share - self.guess > (1 - self.guess) / 2


def told_by_corners(images: np.ndarray, labels: np.ndarray, classes: int) -> Corners | None:
    """How well the four corners, of a tenth of the side each, tell the class: mostly background,
    where the thing is in the middle. ``None`` where fewer than two classes have :data:`FEWEST`
    images.

    Args:
        images: ``uint8 [N, H, W, C]``, none of them twice.
        labels: ``int64 [N]``.
        classes: how many there are.
    """
    counts = np.bincount(labels, minlength=classes)
    kept = counts[labels] >= FEWEST
    if (counts >= FEWEST).sum() < 2:
        return None
    numbers, own = _corners(images[kept]), labels[kept]
    numbers = (numbers - numbers.mean(axis=0)) / (numbers.std(axis=0) + 1e-9)
    points = torch.from_numpy(numbers)
    _, rows = nearest(points, points, 1, own=torch.arange(len(points)))
    right = own[rows[:, 0].numpy()] == own
    shares = [float(right[own == label].mean()) for label in np.unique(own)]
    return Corners(float(np.mean(shares)), 1 / len(shares))


def _corners(images: np.ndarray) -> np.ndarray:
    """Mean and deviation of each channel in each corner, ``float64 [N, 8 * C]``."""
    count, height, width, _ = images.shape
    down, across = max(1, height // 10), max(1, width // 10)
    found = []
    for rows in (slice(None, down), slice(-down, None)):
        for columns in (slice(None, across), slice(-across, None)):
            corner = images[:, rows, columns].astype(np.float64).reshape(count, down * across, -1)
            found += [corner.mean(axis=1), corner.std(axis=1)]
    return np.concatenate(found, axis=1)
