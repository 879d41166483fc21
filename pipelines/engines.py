"""Ways to have shards made: in this flow run, in child runs on a work pool, on a Ray cluster.

All leave the same receipts, so any of them goes on from where another was stopped.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prefect import task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment

from pipelines.retries import SAMPLING
from synthgen.dataset.exclusions import read_exclusions
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt, is_done, read_receipt
from synthgen.machine.device_lock import device_lock
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import ShardPlan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.job import Job, Tell, todo
from synthgen.stages.sample.process_pool import make_in_processes
from synthgen.stages.sample.shard_maker import ShardMaker
from synthgen.stages.sample.shard_range import make_range
from synthgen.stages.sample.stage import MakeShards
from synthgen.stages.sample.this_process import make_here
from synthgen.stages.sample.tools import Tools

MOST_TASKS = 100
"""Task runs of one flow run: each costs the server work and space, a tiny one as much as a big."""

POLL_SECONDS = 2.0


def chunks(shards: Sequence[ShardPlan], most: int = MOST_TASKS) -> list[list[ShardPlan]]:
    """Shards in order, in at most ``most`` groups of nearly equal size."""
    size = -(-len(shards) // most)
    return [list(shards[at : at + size]) for at in range(0, len(shards), max(1, size))]


def here(layout: Layout, job: Job, missing: list[ShardPlan], progress: Tell) -> list[Receipt]:
    """Make shards in this flow run, one task per chunk, under this host's device lock."""
    made: list[Receipt] = []
    artifact: Any = create_progress_artifact(0.0, key="shards", description="Shards made")
    with device_lock(job.settings.device):
        workers = job.settings.workers
        maker = None if workers > 1 else ShardMaker(layout, job, Tools.of(job), progress)

        @task(name="make-shards", **SAMPLING)
        def make_chunk(first: int, last: int) -> None:
            wanted = [s for s in todo(layout, job) if first <= s.index <= last]
            if maker is None:
                made.extend(make_in_processes(layout, job, wanted, progress))
            else:
                made.extend(make_here(maker, wanted))

        # Several processes share a chunk, so it must hold work for all of them.
        groups = chunks(
            missing, MOST_TASKS if workers == 1 else max(1, len(missing) // 4 // workers)
        )
        for number, chunk in enumerate(groups, start=1):
            make_chunk(chunk[0].index, chunk[-1].index)
            update_progress_artifact(artifact, progress=100.0 * number / len(groups))
    return made


@dataclass
class _Child:
    """A range of shards and the child run that is making it."""

    first: int
    last: int
    attempt: int = 0
    run_id: Any = None
    resume_at: float = 0.0
    fault: str | None = None


@dataclass(frozen=True)
class FanOut:
    """Have shards made by child runs of a deployment, one range of shards each.

    A child has its own process, log, retries and cancel button, and outlives its parent: a parent
    that is run again finds its children by their keys. A range whose child failed gets a new child
    up to ``retries`` times; the other ranges go on meanwhile.
    """

    deployment: str
    children: int
    retries: int = 3

    def __call__(
        self, layout: Layout, job: Job, missing: list[ShardPlan], progress: Tell
    ) -> Iterator[Receipt]:
        """See :data:`MakeShards`.

        Raises:
            SynthgenError: a range failed as often as it may.
        """
        artifact: Any = create_progress_artifact(0.0, key="shards", description="Shards made")
        left = {shard.index: shard for shard in missing}
        # A shard that is missing in spite of a receipt is damaged: only its bytes tell when it is
        # made again. Of the others the receipt does, and their bytes are read once, at the end.
        damaged = {i for i, shard in left.items() if read_receipt(layout, shard) is not None}
        # Over the whole plan: the same ranges, and so the same keys, whatever is done already.
        ranges = [_Child(c[0].index, c[-1].index) for c in chunks(job.plan.shards, self.children)]
        waiting = [r for r in ranges if any(r.first <= i <= r.last for i in left)]
        failed: list[_Child] = []
        with get_client(sync_client=True) as client:
            while waiting:
                for child in list(waiting):
                    if child.run_id is None and time.monotonic() >= child.resume_at:
                        child.run_id = self._submit(layout, job, child)
                for receipt in _arrived(layout, job, left, damaged):
                    progress(receipt.rows)
                    yield receipt
                share = 1.0 - len(left) / max(1, len(missing))
                update_progress_artifact(artifact, progress=100.0 * share)
                for child in list(waiting):
                    if child.run_id is None:
                        continue
                    state = client.read_flow_run(child.run_id).state
                    if state is None or not state.is_final():
                        continue
                    for receipt in _arrived(layout, job, left, damaged):
                        progress(receipt.rows)
                        yield receipt
                    if not any(child.first <= i <= child.last for i in left):
                        waiting.remove(child)
                    elif child.attempt >= self.retries:
                        waiting.remove(child)
                        child.fault = f"{state.name}: {' '.join(str(state.message).split())[:200]}"
                        failed.append(child)
                    else:
                        say(
                            f"shards {child.first}-{child.last}: {state.name}; a new run takes over"
                        )
                        child.attempt, child.run_id = child.attempt + 1, None
                        pause = 2.0 ** min(child.attempt, 5) * random.uniform(0.5, 1.5)
                        child.resume_at = time.monotonic() + pause
                if waiting:
                    time.sleep(POLL_SECONDS)
        if failed:
            raise SynthgenError(
                f"shards {failed[0].first}-{failed[0].last} failed {self.retries + 1} times "
                f"({failed[0].fault}); finished shards are kept: run the same again to go on"
            )

    def _submit(self, layout: Layout, job: Job, child: _Child) -> Any:
        exclusions = layout.exclusions.read_bytes() if layout.exclusions.is_file() else b""
        what = f"{layout.root.resolve()}|{job.plan.hash}|{job.settings_hash}".encode() + exclusions
        digest = hashlib.sha256(what).hexdigest()[:16]
        settings = job.settings.model_dump(mode="json", exclude={"workers"})
        settings |= {"out": str(layout.root.resolve()), "generator": job.generator}
        run = run_deployment(
            self.deployment,
            parameters={**settings, "shards": f"{child.first}-{child.last}"},
            flow_run_name=f"{layout.root.name} {child.first}-{child.last} try {child.attempt + 1}",
            timeout=0,
            as_subflow=True,
            # A key belongs to its first run for ever: every attempt needs its own.
            idempotency_key=f"{digest}-{child.first}-{child.last}-{child.attempt}",
        )
        return run.id  # type: ignore[union-attr]


def _arrived(
    layout: Layout, job: Job, left: dict[int, ShardPlan], damaged: Collection[int]
) -> Iterator[Receipt]:
    """Receipts of shards that have been made since the last look, which are then left no more."""
    excluded = read_exclusions(layout)
    for index, shard in list(left.items()):
        receipt = read_receipt(layout, shard)
        order = job.order(shard, excluded.get(index, frozenset()))
        if receipt is None or receipt.order != order or not (layout.data / shard.name).is_file():
            continue
        if index not in damaged or is_done(layout, shard, order):
            del left[index]
            yield receipt


@task(name="make-shards-on-ray", **SAMPLING)
def make_on_ray(settings: dict[str, Any], indices: list[int]) -> int:
    """Make shards in a Ray worker; the number of images."""
    return sum(receipt.rows for receipt in make_range(SampleSettings.parse(settings), indices))


def on_ray(num_gpus: float) -> MakeShards:
    """Make shards as tasks of the calling flow's Ray task runner, ``num_gpus`` of each."""
    from prefect_ray.context import remote_options

    def make(
        layout: Layout, job: Job, missing: list[ShardPlan], progress: Tell
    ) -> Iterator[Receipt]:
        settings = job.settings.model_dump(mode="json")
        settings |= {"out": str(layout.root.resolve()), "generator": job.generator, "workers": 1}
        with remote_options(num_gpus=num_gpus):
            futures = [
                (chunk, make_on_ray.submit(settings, [shard.index for shard in chunk]))
                for chunk in chunks(missing)
            ]
        for chunk, future in futures:
            future.result()
            for shard in chunk:
                receipt = read_receipt(layout, shard)
                if receipt is not None:
                    progress(receipt.rows)
                    yield receipt

    return make
