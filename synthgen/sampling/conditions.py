"""What is given to a generator beside the class: of real rows, drawn, or set by the user.

Every condition is a pure function of the candidate's numbers: class, shard and candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from synthgen.sampling.source_rows import SourceRows
from synthgen.spec.derivations import derive, draws_of
from synthgen.spec.plan import ShardPlan
from synthgen.spec.task import Task
from synthgen.spec.vectors import Attributes

Uniforms = Callable[[int, np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]
"""Seed, classes, shards and candidates ``int64 [N]`` and a size to ``float64 [N, size]`` in (0, 1):
the counter-based generator that latents come from."""

APART = 0x5DEECE66D
"""Turns a run's seed into that of its conditions, which are no latents."""


@dataclass(frozen=True)
class Numbers:
    """The numbers of candidates, ``int64 [N]`` each."""

    strata: np.ndarray
    """Positions in the plan's classes."""
    shards: np.ndarray
    candidates: np.ndarray


class Conditions(Protocol):
    """Stored rows of given fields for candidates."""

    def available(self, shard: ShardPlan) -> list[int] | None:
        """How many candidates there are of each class, where they are no endless supply."""

    def at(self, numbers: Numbers) -> dict[str, Tensor]:
        """The rows, by field."""


class OfStratum:
    """Nothing but the class is given."""

    def available(self, shard: ShardPlan) -> list[int] | None:
        return None

    def at(self, numbers: Numbers) -> dict[str, Tensor]:
        return {}


class OfRows:
    """Fields of real rows, each row used once at most, unless it may be used ``again``."""

    def __init__(
        self, columns: Mapping[str, np.ndarray], source: SourceRows, *, again: bool = False
    ) -> None:
        self._columns = columns
        self._source = source
        self._again = again

    def available(self, shard: ShardPlan) -> list[int] | None:
        return None if self._again else self._source.available(shard)

    def at(self, numbers: Numbers) -> dict[str, Tensor]:
        rows = np.empty(len(numbers.strata), dtype=np.int64)
        for shard in np.unique(numbers.shards).tolist():
            mine = numbers.shards == shard
            rows[mine] = self._source.rows(
                shard, numbers.strata[mine].tolist(), numbers.candidates[mine].tolist()
            )
        return {n: torch.from_numpy(values[rows]) for n, values in self._columns.items()}


class Drawn:
    """Attributes drawn for each candidate: a yes as likely as a no, each choice as likely as any
    other, numbers evenly over their ranges. ``law`` gives other shares of yes, by name."""

    def __init__(
        self,
        name: str,
        field: Attributes,
        seed: int,
        uniforms: Uniforms,
        law: Mapping[str, float] | None = None,
    ) -> None:
        self._name, self._field = name, field
        self._seed, self._uniforms = seed ^ APART, uniforms
        self._law = dict(law or {})

    def available(self, shard: ShardPlan) -> list[int] | None:
        return None

    def at(self, numbers: Numbers) -> dict[str, Tensor]:
        names = self._field.names
        drawn = self._uniforms(
            self._seed, numbers.strata, numbers.shards, numbers.candidates, len(names)
        )
        for place, name in enumerate(names):
            if name in self._field.ranges:
                low, high = self._field.ranges[name]
                drawn[:, place] = low + (high - low) * drawn[:, place]
            elif name in self._field.choices:
                drawn[:, place] = np.floor(drawn[:, place] * len(self._field.choices[name]))
            else:
                drawn[:, place] = drawn[:, place] < self._law.get(name, 0.5)
        return {self._name: torch.from_numpy(drawn.astype(np.float32))}


class Over(Protocol):
    """What puts values over those of rows."""

    def over(self, rows: dict[str, Tensor], numbers: Numbers) -> dict[str, Tensor]:
        """Stored rows by field of these candidates, with the values put into them."""


class Set:
    """Attributes set to one value each for all candidates, whatever other conditions drew."""

    def __init__(self, name: str, field: Attributes, values: Mapping[str, float]) -> None:
        self._name = name
        self._values = {field.names.index(key): float(value) for key, value in values.items()}

    def over(self, rows: dict[str, Tensor], numbers: Numbers) -> dict[str, Tensor]:
        changed = rows[self._name].clone()
        for place, value in self._values.items():
            changed[:, place] = value
        return {**rows, self._name: changed}


class Asked:
    """Attributes that others draw, asked for in place of a row's own; what these do not know stays
    the row's own."""

    def __init__(
        self, name: str, field: Attributes, drawn: Conditions, asked: Sequence[str]
    ) -> None:
        """``asked`` are those that are put over; the others stay as they are."""
        self._name, self._drawn = name, drawn
        self._places = [field.names.index(each) for each in asked]

    def over(self, rows: dict[str, Tensor], numbers: Numbers) -> dict[str, Tensor]:
        changed, drawn = rows[self._name].clone(), self._drawn.at(numbers)[self._name]
        for place in self._places:
            known = ~drawn[:, place].isnan()
            changed[known, place] = drawn[known, place]
        return {**rows, self._name: changed}


class AllOf:
    """Several conditions together, and the fields that the task derives from theirs."""

    def __init__(
        self,
        task: Task,
        parts: Sequence[Conditions],
        seed: int,
        uniforms: Uniforms,
        sets: Sequence[Over] = (),
    ) -> None:
        self._task, self._parts, self._sets = task, parts, sets
        self._seed, self._uniforms = seed ^ (APART << 1), uniforms

    def available(self, shard: ShardPlan) -> list[int] | None:
        """The fewest that any of them has."""
        found = [n for n in (part.available(shard) for part in self._parts) if n is not None]
        return [min(counts) for counts in zip(*found, strict=True)] if found else None

    def at(self, numbers: Numbers) -> dict[str, Tensor]:
        rows: dict[str, Tensor] = {}
        for part in self._parts:
            rows |= part.at(numbers)
        # What a row has itself, before anything is put over it.
        rows |= {own: rows[name] for name, own in self._task.edited.items() if name in rows}
        for values in self._sets:
            rows = values.over(rows, numbers)
        count = draws_of(self._task)
        if self._task.derived:
            draws = self._uniforms(
                self._seed, numbers.strata, numbers.shards, numbers.candidates, max(1, count)
            )
            rows = derive(self._task, rows, torch.from_numpy(draws[:, :count]).float())
        return {name: rows[name] for name in self._task.given if name in rows}
