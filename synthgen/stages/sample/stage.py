"""Sample a dataset: a generator in, a filtered, labelled, sharded dataset folder out.

The plan is fixed first; then every shard is a pure function of the plan and the settings, made
by any worker in any order; the card comes last and says that the dataset is complete.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from synthgen.dataset.exclusions import Repeats, exclude, find_repeats
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt, read_receipts
from synthgen.dataset.run_folder import Mode, open_run
from synthgen.generators.generator import Generator
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
    """The same for a run that is resolved already; ``before`` is called once the folder is held.

    Raises:
        SynthgenError: as :func:`sample`.
    """
    start = time.perf_counter()
    if mode == "extend" and resolved.generator.translates:
        raise SynthgenError(
            "a translated dataset cannot be extended: its source images are dealt out over the "
            "shards; make another from the remaining source images"
        )
    with open_run(resolved.out, resolved.settings, resolved.job.plan, mode) as (layout, plan):
        before(layout)
        job = replace(resolved.job, plan=plan)
        made = _make_all(layout, job, resolved.generator, make)
        if made.shards or not layout.is_complete():
            finish(layout, job, resolved.generator, resolved.settings)
        receipts = read_receipts(layout, plan)
    seconds = time.perf_counter() - start
    return SampleReport(resolved.out, plan, tuple(receipts), made.shards, made.rows, seconds)


@dataclass
class _Made:
    shards: int = 0
    rows: int = 0


def _make_all(layout: Layout, job: Job, generator: Generator, make: MakeShards | None) -> _Made:
    """Make what is not done, then again what repeats other shards; how much was made."""
    made = _Made()
    missing = todo(layout, job)
    maker = ShardMaker(job, generator)
    there = job.plan.rows - sum(shard.rows for shard in missing)
    with Progress(job.plan.rows, "sampling", initial=there) as progress:
        for _ in range(MOST_ROUNDS):
            if missing:
                # A card says complete, which the folder no longer is.
                layout.card.unlink(missing_ok=True)
            workers = job.settings.workers
            if make is not None and missing:
                receipts: Iterable[Receipt] = make(layout, job, missing, progress.add)
            elif workers > 1 and len(missing) > 1:
                receipts = make_in_processes(job, layout, missing, workers, progress.add)
            else:
                receipts = make_here(maker, layout, missing, progress.add)
            for receipt in receipts:
                made.shards += 1
                made.rows += receipt.rows
            if make is not None and todo(layout, job):
                raise SynthgenError(
                    f"{layout.root}: shards are missing or damaged after all were made; run the "
                    "same again to go on"
                )
            if layout.is_complete():
                return made
            repeats = _repeats(layout, job, generator)
            if not repeats.count:
                return made
            exclude(layout, repeats)
            missing = todo(layout, job)
            say(f"{repeats.count} images repeat others: {len(missing)} shards made again")
            progress.extend(sum(shard.rows for shard in missing))
    raise SynthgenError(
        f"{layout.root}: images keep repeating each other after {MOST_ROUNDS} rounds: the "
        f"generator "
        "has too little variety for this many; ask for fewer, or train it longer"
    )


def _repeats(layout: Layout, job: Job, generator: Generator) -> Repeats:
    """Rows that repeat one of another shard, exactly or nearly."""
    if job.filters.exact_duplicates:
        exact = find_repeats(layout, job.plan)
        if exact.count:
            return exact
    return Repeats(find_near_repeats(layout, job.plan, job.filters, generator))
