"""Which classes look alike, and whether mirror images look like the others of their class."""

from __future__ import annotations

import unicodedata
from collections import defaultdict

import numpy as np
import torch

from synthgen.data.cache import ImageData
from synthgen.data.splits import few_per_class
from synthgen.features.fingerprint import fingerprints
from synthgen.features.neighbours import nearest

COMPARED = 4_000
"""Images that are compared with each other at most."""

FEWEST = 8
"""Images of a class that say something about it."""

ALIKE = 0.35
"""Two classes look alike if the nearest neighbour of so large a share of each lies in the other: of
two classes that are one it is about a half."""


def alike_names(classes: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Groups of class names that differ only in case, blanks, or signs that look the same."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        plain = unicodedata.normalize("NFKC", name).casefold()
        groups["".join(char for char in plain if char.isalnum()) or plain].append(name)
    return [tuple(names) for names in groups.values() if len(names) > 1]


def compared_rows(data: ImageData, seed: int) -> np.ndarray:
    """A few images of each class, ``int64``, drawn by ``seed``."""
    return few_per_class(data.labels, max(FEWEST, COMPARED // len(data.classes)), seed)


def alike_classes(
    codes: torch.Tensor, labels: np.ndarray, classes: tuple[str, ...]
) -> list[tuple[str, str, float]]:
    """Pairs of classes whose images are each other's nearest neighbours, and the smaller of the two
    shares; the most alike first. ``codes int8 [N, 1, 32]``, ``labels int64 [N]``."""
    if len(labels) < 2 or len(classes) < 2:
        return []
    flat = codes[:, 0].float()
    _, rows = nearest(flat, flat, 1, own=torch.arange(len(flat)))
    theirs = labels[rows[:, 0].numpy()]
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (labels, theirs), 1)
    sizes = np.bincount(labels, minlength=len(classes))
    shares = counts / np.maximum(1, sizes)[:, None]
    both = np.minimum(shares, shares.T)
    found = [
        (classes[one], classes[other], float(both[one, other]))
        for one, other in zip(*np.nonzero(np.triu(both, 1) >= ALIKE), strict=True)
        if min(sizes[one], sizes[other]) >= FEWEST
    ]
    return sorted(found, key=lambda pair: -pair[2])


def mirrored_distance(data: ImageData, codes: torch.Tensor, rows: np.ndarray) -> float | None:
    """The median distance of mirrored images to the nearest other image of their class, over that
    of the images themselves; ``None`` where there are too few. ``codes`` are of all images."""
    turned = torch.from_numpy(np.array(data.images[rows])[:, :, ::-1].copy())
    flipped, own = fingerprints(turned)[:, 0].float(), codes[rows, 0].float()
    ratios = []
    for label in np.unique(data.labels[rows]):
        inside = torch.from_numpy(np.flatnonzero(data.labels[rows] == label))
        if len(inside) < FEWEST:
            continue
        itself = torch.arange(len(inside))
        straight = nearest(own[inside], own[inside], 1, own=itself)[0]
        mirrored = nearest(flipped[inside], own[inside], 1, own=itself)[0]
        if straight.median() > 0:
            ratios.append(float(mirrored.median() / straight.median()))
    return float(np.median(ratios)) if ratios else None
