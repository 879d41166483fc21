"""Candidates that a shard must leave out, because they repeat images of earlier shards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.dataset.commit import read_json, write_json
from synthgen.dataset.layout import Layout
from synthgen.spec.plan import Plan
from synthgen.storage.tables import read_table

Excluded = dict[int, frozenset[tuple[int, int]]]
"""Shard index to pairs of (label, candidate)."""


def read_exclusions(layout: Layout) -> Excluded:
    """What is left out so far.

    Raises:
        SynthgenError: the file is damaged.
    """
    if not layout.exclusions.is_file():
        return {}
    record = read_json(layout.exclusions)
    return {int(k): frozenset((a, b) for a, b in pairs) for k, pairs in record.items()}


@dataclass(frozen=True)
class Repeats:
    """Rows that repeat pixels of an earlier row of the dataset."""

    found: Excluded

    @property
    def count(self) -> int:
        return sum(len(pairs) for pairs in self.found.values())


def find_repeats(layout: Layout, plan: Plan) -> Repeats:
    """Look for equal pixel hashes over all shards; the first in the order of the plan stays."""
    seen: set[int] = set()
    found: dict[int, set[tuple[int, int]]] = {}
    for shard in plan.shards:
        table = read_table(layout.data / shard.name, ["pixel_hash", "label", "candidate"])
        hashes, labels, candidates = (np.asarray(table.column(i)) for i in range(3))
        for row in np.flatnonzero(_known(hashes, seen)):
            pair = (int(labels[row]), int(candidates[row]))
            found.setdefault(shard.index, set()).add(pair)
        seen.update(hashes.tolist())
    return Repeats({index: frozenset(pairs) for index, pairs in found.items()})


def _known(hashes: np.ndarray, seen: set[int]) -> np.ndarray:
    return np.fromiter((value in seen for value in hashes.tolist()), dtype=bool, count=len(hashes))


def exclude(layout: Layout, repeats: Repeats) -> None:
    """Add to what is left out; the shards concerned are no longer done."""
    known = read_exclusions(layout)
    for index, pairs in repeats.found.items():
        known[index] = known.get(index, frozenset()) | pairs
    record = {str(index): sorted(pairs) for index, pairs in sorted(known.items())}
    write_json(record, layout.exclusions, layout.staging)
