"""Flow ``sample-shards``: a range of a run's shards on one device, a child of ``build-dataset``."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from pydantic import Field

from pipelines.engines import MOST_TASKS
from pipelines.parameters import flat, settings_of
from pipelines.retries import SAMPLING
from synthgen.dataset.receipts import Receipt
from synthgen.machine.device_lock import device_lock
from synthgen.machine.progress import say
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.shard_range import make_range, parse_range

SHARDS = (str, Field(description="Range of shard indices of the run's plan, for example 0-9."))


@flow(name="sample-shards")
@flat(SampleSettings, without=["workers"], more={"shards": SHARDS})
def sample_shards(**parameters: Any) -> int:
    """Make those of a range of shards that are not done; the number of images made.

    The run must have been begun in ``out`` by ``build-dataset`` with the same parameters, and
    ``out`` must be the same folder on every host.
    """
    settings = SampleSettings.parse(settings_of(SampleSettings, parameters))
    indices = parse_range(parameters["shards"])
    receipts: list[Receipt] = []
    artifact: Any = create_progress_artifact(0.0, key="range", description=f"Shards {indices}")

    @task(name="make-shards", **SAMPLING)
    def make_chunk(first: int, last: int) -> None:
        receipts.extend(make_range(settings, range(first, last + 1)))

    size = -(-len(indices) // MOST_TASKS)
    with device_lock(settings.device) as device:
        say(f"shards {indices.start}-{indices.stop - 1} on {device or settings.device}")
        for first in range(indices.start, indices.stop, size):
            make_chunk(first, min(first + size, indices.stop) - 1)
            done = first + size - indices.start
            update_progress_artifact(artifact, progress=min(100.0, 100.0 * done / len(indices)))
    rows = [{"shard": r.shard, "images": r.rows, "device": r.device, **r.seconds} for r in receipts]
    create_table_artifact(table=rows, key="made", description=f"Made under lock {device}.")
    return sum(receipt.rows for receipt in receipts)
