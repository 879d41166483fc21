"""Which real images train and which are held out to judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Labelled:
    """Some images ``uint8 [N, H, W, C]`` and their labels ``int64 [N]``."""

    images: np.ndarray
    labels: np.ndarray


def hold_out(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to hold out: sorted ``int64``, every class in both.

    Of each class ``share`` of its rows is held out, at least one; a class of one row trains and is
    judged on that row. Depends on the labels, the share and the seed only.
    """
    trained, held = [], []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) == 1:
            trained.append(rows)
            held.append(rows)
            continue
        shuffled = np.random.default_rng([seed, int(label)]).permutation(rows)
        count = min(len(rows) - 1, max(1, round(len(rows) * share)))
        held.append(shuffled[:count])
        trained.append(shuffled[count:])
    return np.sort(np.concatenate(trained)), np.sort(np.concatenate(held))


def evenly(count: int, most: int) -> np.ndarray:
    """At most ``most`` rows of ``count``, spread evenly over them: sorted ``int64``."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def few_per_class(labels: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most ``most`` rows of each class, chosen by ``seed``: sorted ``int64``.

    Of the same seed a smaller choice is part of every larger one: each takes the first of the same
    permutation of the class' rows.
    """
    chosen = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        chosen.append(np.random.default_rng([seed, int(label)]).permutation(rows)[:most])
    return np.sort(np.concatenate(chosen))
