"""How strongly two things that rows say go together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEWEST = 20
"""Rows of which both are known that say something about it."""

STRONG = 0.3
"""Cramer's V from which on a learner may take one thing for the other; Cohen 1988 calls 0.3 a
medium and 0.5 a large effect (table 7.2.3, of two values each)."""

PARTS = 3
"""Groups of equal size that a number is cut into."""


@dataclass(frozen=True)
class Values:
    """What rows say of one thing."""

    name: str
    codes: np.ndarray
    """``int64 [N]``, indices into ``words``; -1 where it is not known."""
    words: tuple[str, ...]


@dataclass(frozen=True)
class Association:
    """Two things, and how strongly they go together."""

    first: str
    second: str
    strength: float
    """Cramer's V, 0 to 1."""
    rows: int
    usual: str
    """What mostly goes together, in words."""
    rarest: int
    """Rows of the rarest combination of two values."""
    always: bool
    """Whether each value of one has only one of the other: no row shows them apart."""


def associations(things: list[Values]) -> tuple[Association, ...]:
    """Each pair of things with :data:`FEWEST` rows or more, the strongest first."""
    found = []
    for place, first in enumerate(things):
        for second in things[place + 1 :]:
            one = _together(first, second)
            if one is not None:
                found.append(one)
    return tuple(sorted(found, key=lambda each: -each.strength))


def _together(first: Values, second: Values) -> Association | None:
    known = (first.codes >= 0) & (second.codes >= 0)
    if known.sum() < FEWEST:
        return None
    table = np.zeros((len(first.words), len(second.words)), dtype=np.int64)
    np.add.at(table, (first.codes[known], second.codes[known]), 1)
    rows, columns = np.flatnonzero(table.sum(axis=1)), np.flatnonzero(table.sum(axis=0))
    table = table[np.ix_(rows, columns)]
    if min(table.shape) < 2:
        return None
    lift = table - np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    at, to = np.unravel_index(int(lift.argmax()), lift.shape)
    share, plain = table[at, to] / table[at].sum(), table[:, to].sum() / table.sum()
    word, value = first.words[rows[at]], second.words[columns[to]]
    usual = (f"of rows with {first.name} {word}, {share:.0%} have {second.name} {value}, of all "
             f"rows {plain:.0%}")  # fmt: skip
    single = bool((table > 0).sum(axis=1).max() == 1 or (table > 0).sum(axis=0).max() == 1)
    return Association(
        first.name, second.name, cramers_v(table), int(table.sum()), usual, int(table.min()), single
    )


def cramers_v(table: np.ndarray) -> float:
    """Cramer's V of a table of counts ``int64 [R, C]`` without empty rows or columns, 0 (nothing in
    common) to 1, corrected for few rows: independent things have 0 in the mean.

    Bergsma 2013, A bias-correction for Cramer's V and Tschuprow's T, Journal of the Korean
    Statistical Society 42, equations 4 to 6.
    """
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    squared = float(((table - expected) ** 2 / expected).sum() / total)
    rows, columns = table.shape
    corrected = max(0.0, squared - (rows - 1) * (columns - 1) / (total - 1))
    fewer = min(each - (each - 1) ** 2 / (total - 1) for each in (rows, columns))
    return float(min(1.0, np.sqrt(corrected / (fewer - 1)))) if fewer > 1 else 0.0


def in_groups(name: str, values: np.ndarray) -> Values:
    """Numbers ``float [N]`` (``nan`` where not known) as groups of equal size."""
    known = ~np.isnan(values)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, PARTS + 1)[1:-1]))
    codes = np.where(known, np.searchsorted(edges, np.nan_to_num(values)), -1)
    ends = [f"up to {edges[0]:g}", *(f"up to {edge:g}" for edge in edges[1:])]
    return Values(name, codes.astype(np.int64), (*ends, f"over {edges[-1]:g}"))
