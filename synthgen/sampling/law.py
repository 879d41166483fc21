"""Conditions drawn from the rows that a generator was trained on: their own law.

Whole rows are drawn, so that attributes go together as they do in the real rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthgen.sampling.cells import Cells
from synthgen.sampling.conditions import APART, Numbers, Uniforms
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.plan import ShardPlan
from synthgen.spec.vectors import Attributes

FEWEST = 20
"""Real rows with the values that are set, from which the other values are drawn."""
NEAR = 0.1
"""How near a number must be to the one that is set, as a share of its range."""
BANDS = 5
"""Bands of a number, each with about as many real rows."""


@dataclass(frozen=True)
class Law:
    """Rows to draw from."""

    columns: Mapping[str, np.ndarray]
    """Stored rows by field."""
    strata: np.ndarray
    """``int64 [N]``: positions in the plan's classes; -1 for rows of other classes."""

    def of_class(self, label: int) -> np.ndarray:
        """Rows of a class, ``int64``."""
        return np.flatnonzero(self.strata == label)


class OfLaw:
    """Rows drawn for each candidate from those of its class and cell."""

    def __init__(
        self, law: Law, pools: Sequence[Sequence[np.ndarray]], seed: int, uniforms: Uniforms
    ) -> None:
        """``pools[class][cell]`` are rows of the law, at least one each."""
        self._law, self._pools = law, pools
        self._seed, self._uniforms = seed ^ APART, uniforms

    def available(self, shard: ShardPlan) -> list[int] | None:
        return None

    def at(self, numbers: Numbers) -> dict[str, Tensor]:
        drawn = self._uniforms(
            self._seed, numbers.strata, numbers.shards, numbers.candidates, 1
        )[:, 0]  # fmt: skip
        rows = np.empty(len(drawn), dtype=np.int64)
        for place, (label, candidate) in enumerate(
            zip(numbers.strata.tolist(), numbers.candidates.tolist(), strict=True)
        ):
            cells = self._pools[label]
            pool = cells[candidate % len(cells)]
            rows[place] = pool[int(drawn[place] * len(pool))]
        return {n: torch.from_numpy(values[rows]) for n, values in self._law.columns.items()}


@dataclass(frozen=True)
class Balance:
    """Combinations of values that are to be equally many."""

    cells: Cells
    pools: tuple[tuple[np.ndarray, ...], ...]
    """Rows of the law with each, by class."""
    missing: tuple[str, ...]
    """Combinations that no row has."""

    def lines(self) -> list[str]:
        """What is balanced, for a terminal."""
        found = [f"balanced: {name_list(own, 8)}" for own in self.cells.names]
        few = [
            f"{name} ({len(pool)})"
            for own, pools in zip(self.cells.names, self.pools, strict=True)
            for name, pool in zip(own, pools, strict=True)
            if len(pool) < FEWEST
        ]
        if few:
            found.append(f"few real rows have it, and what is made shows it: {name_list(few, 8)}")
        if self.missing:
            found.append(f"no real row has it, and none is made: {name_list(self.missing, 8)}")
        return found


def balanced(
    law: Law, fields: Mapping[str, Attributes], asked: Sequence[str], classes: Sequence[str]
) -> Balance:
    """All combinations of the values of attributes that occur in the rows of each class.

    Of a number the values are :data:`BANDS` bands with about as many rows each.

    Raises:
        SynthgenError: an attribute is none of the fields', or a class has no row that says it.
    """
    codes, words = [], []
    for name in asked:
        field = next((f for f in fields if name in fields[f].names), None)
        if field is None:
            known = [one for each in fields.values() for one in each.names]
            raise SynthgenError(
                f"--balance {name}: the generator is given no such attribute "
                f"({name_list(known) or 'none at all'}){did_you_mean(name, known)}"
            )
        column = law.columns[field][:, fields[field].names.index(name)]
        code, told = _coded(column, fields[field].words(name))
        codes.append(code)
        words.append([f"{name}={word}" for word in told])
    grid = np.stack(np.meshgrid(*[np.arange(len(w)) for w in words], indexing="ij"), axis=-1)
    every = grid.reshape(-1, len(asked))
    table = np.stack(codes, axis=1)
    names, pools, missing = [], [], []
    for label, owner in enumerate(classes):
        rows = law.of_class(label)
        own, own_pools = [], []
        for combination in every:
            pool = rows[(table[rows] == combination).all(axis=1)]
            text = ", ".join(words[at][value] for at, value in enumerate(combination.tolist()))
            if len(pool):
                own.append(text)
                own_pools.append(pool)
            else:
                missing.append(text if len(classes) == 1 else f"{owner}: {text}")
        if not own:
            raise SynthgenError(f"--balance {','.join(asked)}: no real row of '{owner}' says it")
        names.append(tuple(own))
        pools.append(tuple(own_pools))
    return Balance(Cells(tuple(names)), tuple(pools), tuple(missing))


def _coded(column: np.ndarray, words: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """The code of each value, ``int64 [N]``, -1 where it is not known; and what each is called."""
    known = ~np.isnan(column)
    if words:
        return np.where(known, np.nan_to_num(column), -1).astype(np.int64), list(words)
    there = column[known]
    edges = np.unique(np.quantile(there, np.linspace(0, 1, BANDS + 1), method="nearest"))
    inner = edges[1:-1] if len(edges) > 2 else edges[1:]
    bands = np.searchsorted(inner, column, side="right")
    told = []
    for band in range(len(inner) + 1):
        own = there[np.searchsorted(inner, there, side="right") == band]
        told.append(f"{own.min():g} to {own.max():g}" if len(own) else "none")
    return np.where(known, bands, -1), told


def with_values(
    law: Law, rows: np.ndarray, fields: Mapping[str, Attributes], values: Mapping[str, float]
) -> np.ndarray:
    """Those of the rows that have the values that are set, or nearly; all, where they are few."""
    keep = np.ones(len(rows), dtype=bool)
    for name, value in values.items():
        field = next(f for f in fields if name in fields[f].names)
        own = law.columns[field][rows, fields[field].names.index(name)]
        low, high = fields[field].ranges.get(name, (0.0, 0.0))
        keep &= np.abs(own - value) <= NEAR * (high - low)
    return rows[keep] if keep.sum() >= FEWEST else rows
