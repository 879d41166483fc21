"""Sample a dataset: a generator in, a filtered, labelled, sharded dataset folder out.

The plan is fixed first; then every shard is a pure function of the plan and the settings, made
by any worker in any order; the card comes last and says that the dataset is complete.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from synthgen.dataset.exclusions import Repeats, exclude, find_repeats
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt, receipts_of
from synthgen.dataset.run_folder import Mode, open_run
from synthgen.machine.progress import Progress, say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import ShardPlan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.finish import finish
from synthgen.stages.sample.job import Job, Tell, todo
from synthgen.stages.sample.near_repeats import find_near_repeats
from synthgen.stages.sample.process_pool import make_in_processes
from synthgen.stages.sample.report import SampleReport
from synthgen.stages.sample.resolve import Resolved, resolve
from synthgen.stages.sample.shard_maker import ShardMaker
from synthgen.stages.sample.this_process import make_here
from synthgen.stages.sample.tools import Tools

MakeShards = Callable[[Layout, Job, list[ShardPlan], Tell], Iterable[Receipt]]
"""Makes the given shards of a run, anywhere that sees the folder, and gives their receipts as they
come. It may be called again for shards that are still missing, or that repeat others' images."""


MOST_ROUNDS = 20
"""Rounds of replacing images that repeat others across shards, before the generator is to blame."""


def sample(
    settings: SampleSettings, mode: Mode = "new", make: MakeShards | None = None
) -> SampleReport:
    """Make (or go on making) the dataset that ``settings`` describe.

    ``make`` makes shards elsewhere (:data:`MakeShards`); by default it is this process, or
    ``settings.workers`` processes of this machine.

    Raises:
        SynthgenError: the user can mend it; the folder holds no half-written file.
    """
    return run(resolve(settings), mode, make)


def run(
    resolved: Resolved,
    mode: Mode,
    make: MakeShards | None = None,
    before: Callable[[Layout], None] = lambda layout: None,
) -> SampleReport:
    """Make (or go on making) the dataset of a resolved run.

    ``before`` is called once the folder is held.

    Raises:
        SynthgenError: as :func:`sample`.
    """
    start = time.perf_counter()
    generator = resolved.tools.generator
    if mode == "extend" and resolved.tools.sources is not None:
        raise SynthgenError(
            "a translated dataset cannot be extended: its source images are dealt out over the "
            "shards; make another from the remaining source images"
        )
    with open_run(resolved.out, resolved.settings, resolved.job.plan, mode) as (layout, plan):
        before(layout)
        work = _Run(layout, replace(resolved.job, plan=plan), resolved.tools, make)
        work.make_all()
        if work.shards or not layout.is_complete():
            names = resolved.tools.score_names
            finish(layout, work.job, generator, resolved.settings, names)
        receipts = receipts_of(layout, plan)
    seconds = time.perf_counter() - start
    return SampleReport(resolved.out, plan, tuple(receipts), work.shards, work.rows, seconds)


@dataclass
class _Run:
    """A run in its folder; ``shards`` and ``rows`` were made in it so far."""

    layout: Layout
    job: Job
    tools: Tools
    elsewhere: MakeShards | None
    shards: int = 0
    rows: int = 0

    def make_all(self) -> None:
        """Make what is not done, then again what repeats other shards.

        Raises:
            SynthgenError: shards stay missing, or images keep repeating each other.
        """
        layout, rows = self.layout, self.job.plan.rows
        missing = todo(layout, self.job)
        there = rows - sum(shard.rows for shard in missing)
        with Progress(rows, "sampling", initial=there) as self.progress:
            for _ in range(MOST_ROUNDS):
                self._make(missing)
                if layout.is_complete():
                    return
                repeats = self._repeats()
                if not repeats.count:
                    return
                exclude(layout, repeats)
                missing = todo(layout, self.job)
                say(f"{repeats.count} images repeat others: {len(missing)} shards made again")
                self.progress.extend(sum(shard.rows for shard in missing))
        raise SynthgenError(
            f"{layout.root}: images keep repeating each other after {MOST_ROUNDS} rounds: the "
            "generator has too little variety for this many; ask for fewer, or train it longer"
        )

    def _make(self, missing: list[ShardPlan]) -> None:
        if not missing:
            return
        # A card says complete, which the folder no longer is.
        self.layout.card.unlink(missing_ok=True)
        for receipt in self._making(missing):
            self.shards += 1
            self.rows += receipt.rows
        if self.elsewhere is not None and todo(self.layout, self.job):
            raise SynthgenError(
                f"{self.layout.root}: shards are missing or damaged after all were made; run the "
                "same again to go on"
            )

    def _making(self, missing: list[ShardPlan]) -> Iterable[Receipt]:
        tell = self.progress.add
        if self.elsewhere is not None:
            return self.elsewhere(self.layout, self.job, missing, tell)
        if self.job.settings.workers > 1 and len(missing) > 1:
            return make_in_processes(self.layout, self.job, missing, tell)
        return make_here(self._maker, missing)

    @cached_property
    def _maker(self) -> ShardMaker:
        """What makes shards in this process: built when the first one is missing."""
        return ShardMaker(self.layout, self.job, self.tools, self.progress.add)

    def _repeats(self) -> Repeats:
        """Rows that repeat one of another shard, exactly or nearly."""
        if self.job.filters.exact_duplicates:
            exact = find_repeats(self.layout, self.job.plan)
            if exact.count:
                return exact
        return Repeats(find_near_repeats(self.layout, self.job.plan, self.tools))
