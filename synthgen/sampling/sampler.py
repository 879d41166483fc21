"""Candidates of one shard, in order, until every class has its quota."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from synthgen.sampling.candidates import CandidateBatch, Judge, Repeats
from synthgen.sampling.cells import Cells
from synthgen.spec.errors import SynthgenError, TooFewPass
from synthgen.spec.plan import ShardPlan

LEAST_EXAMINED = 500
"""Candidates of a class that are looked at before the acceptance floor is asked."""

MOST_IN_VAIN = 20_000
"""Candidates of a class of which none is kept before a run stops, whatever the floor."""

AHEAD = 16
"""Batches that are begun before the oldest has been looked at. A constant, not the number of
threads: what is begun decides which of two equal images is kept."""

Begin = Callable[[np.ndarray, np.ndarray], Callable[[], CandidateBatch]]
"""Begins a batch of labels and candidates ``int64 [N]``; the function it gives waits for it."""


class ShardSampler:
    """Has batches made, and judges repeats, until every quota of a shard is filled.

    Every batch is a full one, with the classes that lack images taking turns, so that the same
    kernels run whatever is wanted. As many are begun as the quotas will take at the share of
    candidates kept so far; candidates beyond a filled quota are dropped unexamined. Which
    candidates share a batch depends on nothing but the shard.
    """

    def __init__(
        self,
        shard: ShardPlan,
        begin: Begin,
        judge: Judge,
        *,
        batch_size: int,
        class_names: Sequence[str],
        excluded: frozenset[tuple[int, int]] = frozenset(),
        available: Sequence[int] | None = None,
        cells: Cells | None = None,
        quotas: Sequence[int] | None = None,
    ) -> None:
        """``excluded`` holds (label, candidate) pairs that repeat images of other shards.

        ``quotas`` are those of the ``cells``; by default each class is one, with the shard's quota.

        ``available[i]`` is how many candidates of class i there are, where they are no endless
        supply.
        """
        self._shard = shard
        self._begin = begin
        self._judge = judge
        self._batch_size = batch_size
        self._class_names = class_names
        self._cells = cells or Cells.whole(class_names)
        self._excluded = excluded
        self._available = available
        self._quotas = _Quotas(shard.quotas if quotas is None else quotas)
        self._begun: deque[Callable[[], CandidateBatch]] = deque()

    def begin(self) -> bool:
        """Begin what may be begun now; whether that will do, at the share kept so far."""
        while len(self._begun) < AHEAD and self._quotas.want_more():
            wanted = self._quotas.next_batch(self._batch_size)
            self._begun.append(self._begin(*self._cells.numbers(*wanted)))
        return not self._quotas.want_more()

    def batches(self, idle: Callable[[], Any] = lambda: None) -> Iterator[CandidateBatch]:
        """The batches, in order; ``idle`` is called when all is begun that is wanted so far.

        Raises:
            SynthgenError: a class keeps less than the acceptance floor of its candidates, or has
                run out of them.
        """
        quotas, judge = self._quotas, self._judge
        rejected = [[0] * len(judge.reasons) for _ in quotas.quotas]
        seen: set[int] = set()
        near = judge.repeats()
        while any(quotas.missing):
            if self.begin():
                idle()
            batch = self._begun.popleft()()
            verdicts = batch.verdicts.tolist()
            labels, candidates = batch.labels.tolist(), batch.candidates.tolist()
            places = self._cells.places(batch.labels, batch.candidates).tolist()
            hashes = batch.pixel_hashes.tolist()
            for reason, known in near.items():
                known.look(batch.codes[reason], batch.labels)
            taken = []
            for row, (label, candidate) in enumerate(zip(labels, candidates, strict=True)):
                cell = places[row]
                quotas.pending[cell] -= 1
                if not quotas.missing[cell]:
                    continue
                if self._available is not None and candidate >= self._available[label]:
                    raise self._run_out(cell, rejected[cell])
                if verdicts[row] == 0:
                    repeated = _repeated(row, hashes[row], seen, near, judge)
                    seen.add(hashes[row])
                    if (label, candidate) in self._excluded:
                        repeated = judge.excluded_reason
                    if repeated is not None:
                        verdicts[row] = judge.reasons.index(repeated) + 1
                taken.append(row)
                quotas.examined[cell] += 1
                if verdicts[row] == 0:
                    quotas.missing[cell] -= 1
                else:
                    rejected[cell][verdicts[row] - 1] += 1
            yield batch.take(taken, np.asarray(verdicts, dtype=np.int64))
            _check_floor(quotas, rejected, judge, self._cells.flat)

    def _run_out(self, label: int, rejected: Sequence[int]) -> SynthgenError:
        quotas = self._quotas
        named = zip(self._judge.reasons, rejected, strict=True)
        lost = sorted(((n, reason) for reason, n in named if n), key=lambda each: -each[0])
        most = ", ".join(f"{reason} took {n}" for n, reason in lost[:3])
        return SynthgenError(
            f"class '{self._cells.flat[label]}' has run out of source images: "
            f"{quotas.examined[label]} looked at{f' ({most})' if most else ''}, "
            f"{quotas.missing[label]} more wanted in {self._shard.name}; ask for fewer, add source "
            "images or loosen --filters"
        )


def _repeated(
    row: int, pixel_hash: int, seen: set[int], near: Mapping[str, Repeats], judge: Judge
) -> str | None:
    """Which reason says that the batch's row repeats an image so far; else it is added to them."""
    if judge.exact_duplicates and pixel_hash in seen:
        return "exact_duplicate"
    for reason, known in near.items():
        if known.repeats(row):
            return reason
    for known in near.values():
        known.add(row)
    return None


class _Quotas:
    """What each cell of a shard still lacks, and what is on its way. Lists are by the place of the
    cell, which is the label where each class is one cell; so it is called here."""

    def __init__(self, quotas: Sequence[int]) -> None:
        self.quotas = tuple(quotas)
        self.missing = list(quotas)
        self.examined = [0] * len(quotas)
        self.pending = [0] * len(quotas)
        """Candidates of batches that are begun and not yet looked at."""
        self._following = [0] * len(quotas)

    def want_more(self) -> bool:
        """Whether the batches that are begun will not do, at the share kept so far."""
        return any(
            count and self._needed(label) > self.pending[label]
            for label, count in enumerate(self.missing)
        )

    def next_batch(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Labels and candidate numbers ``int64 [size]``: classes that want more, in turn.

        What those do not fill goes to all that lack images: a batch costs the same full or not.
        """
        lacking = [label for label, count in enumerate(self.missing) if count]
        wants = {label: self._needed(label) - self.pending[label] for label in lacking}
        chosen: list[int] = []
        while len(chosen) < size:
            turn = [label for label in lacking if wants[label] > 0] or lacking
            for label in turn[: size - len(chosen)]:
                wants[label] -= 1
                chosen.append(label)
        labels = np.asarray(chosen, dtype=np.int64)
        candidates = np.empty(size, dtype=np.int64)
        for label in set(chosen):
            places = np.flatnonzero(labels == label)
            candidates[places] = self._following[label] + np.arange(len(places))
            self._following[label] += len(places)
            self.pending[label] += len(places)
        return labels, candidates

    def _needed(self, label: int) -> int:
        """Candidates that will fill the quota if as many are kept as so far."""
        kept = self.quotas[label] - self.missing[label]
        return math.ceil(self.missing[label] * (self.examined[label] + 1) / (kept + 1))


def _check_floor(
    quotas: _Quotas, rejected: list[list[int]], judge: Judge, class_names: Sequence[str]
) -> None:
    for label, count in enumerate(quotas.examined):
        if not quotas.missing[label] or count < LEAST_EXAMINED:
            continue
        lost = sum(rejected[label])
        in_vain = count == lost and count >= MOST_IN_VAIN
        if in_vain or (count - lost) / count < judge.acceptance_floor:
            reasons = ", ".join(
                f"{name} {number}"
                for name, number in zip(judge.reasons, rejected[label], strict=True)
                if number
            )
            raise TooFewPass(
                f"class '{class_names[label]}' keeps {count - lost} of {count} candidates, under "
                f"the acceptance floor of {judge.acceptance_floor:.1%} (rejected: {reasons})"
            )
