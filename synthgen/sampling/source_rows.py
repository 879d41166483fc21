"""Real rows as conditions: which row of a source each candidate of each shard is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan, ShardPlan


class SourceRows:
    """Deals the rows of each class out over a plan's shards, none of them twice.

    A shard gets a share of each class in proportion to its quota, so that rejects in one shard
    never take rows from another: a candidate's row depends on the plan and the source alone.
    """

    def __init__(self, labels: np.ndarray, plan: Plan, *, again: bool = False) -> None:
        """``labels int64 [M]``: positions in the plan's classes. ``again``: a row may be given
        more than once.

        Raises:
            SynthgenError: a class has fewer rows than the plan wants.
        """
        self._rows: dict[int, list[np.ndarray]] = {shard.index: [] for shard in plan.shards}
        for label, name in enumerate(plan.classes):
            rows = np.flatnonzero(labels == label)
            wanted = plan.per_class[name]
            if wanted > len(rows) and not (again and len(rows)):
                raise SynthgenError(
                    f"class '{name}': {wanted:,} images are wanted, but the source has "
                    f"{len(rows):,}; every source image gives one at most"
                )
            # In a random but fixed order, so that shards do not follow the source's own.
            rows = np.random.default_rng([plan.seed, label]).permutation(rows)
            before = 0
            for shard in plan.shards if not again else ():
                after = before + shard.quotas[label]
                share = [len(rows) * edge // max(1, wanted) for edge in (before, after)]
                self._rows[shard.index].append(rows[share[0] : share[1]])
                before = after
            for shard in plan.shards if again else ():
                mixed = np.random.default_rng([plan.seed, label, shard.index]).permutation(rows)
                self._rows[shard.index].append(mixed)

    def available(self, shard: ShardPlan) -> list[int]:
        """Candidates that there are of each class."""
        return [len(rows) for rows in self._rows[shard.index]]

    def rows(self, shard: int, labels: Sequence[int], candidates: Sequence[int]) -> np.ndarray:
        """Rows of the source, ``int64 [N]``; past a class' last candidate it starts over."""
        mine = self._rows[shard]
        empty = np.zeros(1, dtype=np.int64)
        chosen = [
            (mine[label] if len(mine[label]) else empty)[candidate % max(1, len(mine[label]))]
            for label, candidate in zip(labels, candidates, strict=True)
        ]
        return np.asarray(chosen, dtype=np.int64)
