"""Parts of a class that have exact counts of their own: combinations of attributes, for balance.

Candidate k of a class of n cells is of cell k modulo n, so that a candidate's numbers say which
cell it is of, whatever became of the candidates before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synthgen.spec.plan import Plan, ShardPlan


@dataclass(frozen=True)
class Cells:
    """The cells of each class of a plan, by their names."""

    names: tuple[tuple[str, ...], ...]

    @staticmethod
    def whole(classes: Sequence[str]) -> Cells:
        """Each class as one cell."""
        return Cells(tuple((name,) for name in classes))

    @cached_property
    def counts(self) -> np.ndarray:
        """Cells of each class, ``int64 [K]``."""
        return np.array([len(own) for own in self.names], dtype=np.int64)

    @cached_property
    def starts(self) -> np.ndarray:
        """The place of each class' first cell among all cells, ``int64 [K]``."""
        starts: np.ndarray = np.cumsum(self.counts) - self.counts
        return starts

    @property
    def flat(self) -> tuple[str, ...]:
        """Names of all cells, by their places."""
        return tuple(name for own in self.names for name in own)

    def quotas(self, plan: Plan, shard: ShardPlan) -> tuple[int, ...]:
        """Images of each cell in a shard, by place.

        The images of a class go to its cells in turn, over all shards in the plan's order: over the
        whole plan the cells of a class differ by one image at most, and in every shard as well.
        """
        found: list[int] = []
        for label, count in enumerate(self.counts.tolist()):
            before = sum(each.quotas[label] for each in plan.shards if each.index < shard.index)
            own = before + np.arange(shard.quotas[label])
            found += np.bincount(own % count, minlength=count).tolist()
        return tuple(found)

    def places(self, labels: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """The cell of each candidate, ``int64 [N]``, from its class and number."""
        found: np.ndarray = self.starts[labels] + candidates % self.counts[labels]
        return found

    def numbers(self, places: np.ndarray, nth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class and number ``int64 [N]`` of the ``nth`` candidate of each cell."""
        labels = np.searchsorted(self.starts, places, side="right") - 1
        return labels, nth * self.counts[labels] + places - self.starts[labels]
