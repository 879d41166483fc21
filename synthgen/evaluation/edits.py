"""How edits turned out: whether images show what was asked for, and still what their sources do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from synthgen.spec.vectors import Attributes

SURE = 0.95
"""The agreement from which an image is its source's: nearer than 95 % of pairs of others."""
FEWEST = 3
"""Rows that a rank correlation is measured on, at least."""


@dataclass(frozen=True)
class AttributeEdit:
    """One attribute, by the images that were to show another value than their sources have, and by
    those that were to keep it. ``None`` where there are no such images."""

    attribute: str
    number: bool
    images: int
    asked: float | None
    """Share of which the reader says what was asked for; of a number the mean error."""
    rank: float | None
    """Of a number: Spearman's rank correlation of what was asked for and what is read."""
    kept_images: int
    kept: float | None
    """Share of which it says what the source has; of a number the mean error."""


@dataclass(frozen=True)
class Edits:
    """A dataset of edits."""

    images: int
    attributes: tuple[AttributeEdit, ...]
    identity: float | None
    """Share whose identity agreement is :data:`SURE`; ``None`` where it was not measured."""


def measured_edits(
    field: Attributes, said: np.ndarray, asked: np.ndarray, own: np.ndarray,
    identity: np.ndarray | None,
) -> Edits:  # fmt: skip
    """The figures of images by what a reader ``said`` of them, what was ``asked`` for and what
    their sources have themselves: stored rows ``float32 [N, K]``; ``identity`` is ``[N]``."""
    found = []
    for place, name in enumerate(field.names):
        read, wanted, had = (rows[:, place] for rows in (said, asked, own))
        known = ~np.isnan(wanted)
        changed, same = known & (wanted != had), known & (wanted == had)
        number = name in field.ranges
        found.append(
            AttributeEdit(
                name, number,
                int(changed.sum()), _right(read[changed], wanted[changed], number),
                _rank(read[known], wanted[known]) if number else None,
                int(same.sum()), _right(read[same], wanted[same], number),
            )
        )  # fmt: skip
    sure = None if identity is None else float((identity >= SURE).mean())
    return Edits(len(said), tuple(found), sure)


def _right(read: np.ndarray, wanted: np.ndarray, number: bool) -> float | None:
    if not len(read):
        return None
    return float(np.abs(read - wanted).mean() if number else (read == wanted).mean())


def _rank(read: np.ndarray, wanted: np.ndarray) -> float | None:
    """Spearman's correlation, equal values sharing their mean rank; ``None`` where one of both has
    the same value throughout."""
    if len(read) < FEWEST or len(np.unique(read)) < 2 or len(np.unique(wanted)) < 2:
        return None
    ranks = [pd.Series(values).rank().to_numpy() for values in (read, wanted)]
    value = float(np.corrcoef(ranks[0], ranks[1])[0, 1])
    return None if math.isnan(value) else value


def edit_rows(found: Edits) -> list[tuple[str, str, str, str]]:
    """Attribute, what was asked for and read, its rank correlation, what was to stay and did."""
    return [
        (
            each.attribute,
            _told(each.asked, each.images, each.number),
            "–" if each.rank is None else f"{each.rank:.2f}",
            _told(each.kept, each.kept_images, each.number),
        )
        for each in found.attributes
    ]


HEADS = ("attribute", "asked for, and read", "rank correlation", "to stay, and read")


def _told(value: float | None, count: int, number: bool) -> str:
    if value is None:
        return "–"
    figure = f"{value:.3g} off in the mean" if number else f"{value:.1%}"
    return f"{figure} of {count:,}"


def edit_lines(found: Edits | None) -> Iterator[str]:
    """The figures as lines of text."""
    if found is None:
        return
    for name, asked, rank, kept in edit_rows(found):
        more = "" if rank == "–" else f", rank correlation {rank}"
        yield f"edits of {name}: asked for and read {asked}{more}; to stay and read {kept}"
    if found.identity is not None:
        yield identity_text(found)


def identity_text(found: Edits) -> str:
    """How many images are sure to show what their sources show, in a sentence."""
    return (
        f"{found.identity or 0.0:.0%} of {found.images:,} images are nearer to their source than "
        f"{SURE:.0%} of pairs of different real images are to each other"
    )
