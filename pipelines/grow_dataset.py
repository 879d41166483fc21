"""Flow ``grow-dataset``: few labels and a pool of images without → rounds → a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact

from pipelines.parameters import flat, settings_of
from pipelines.retries import SAMPLING
from synthgen.machine.device_lock import device_lock
from synthgen.spec.settings.grow import GrowSettings
from synthgen.stages.grow.stage import grow


@flow(name="grow-dataset")
@flat(GrowSettings)
def grow_dataset(**parameters: Any) -> str:
    """Grow (or go on growing) a dataset in the folder ``out``; the dataset's folder.

    A task for each step of each round; what is done is not done again.
    """
    settings = GrowSettings.parse(settings_of(GrowSettings, parameters))

    def as_task(name: str, work: Callable[[], None]) -> None:
        @task(name=name, **SAMPLING)
        def step() -> None:
            with device_lock(settings.device):
                work()

        step()

    report = grow(settings, as_task)
    create_markdown_artifact(report.table(), key="grown", description=f"Dataset {report.dataset}")
    return str(report.dataset.resolve())
