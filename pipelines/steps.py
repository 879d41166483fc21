"""Steps of a stage as tasks of a flow: each has its state, its log and its retries."""

from __future__ import annotations

from collections.abc import Callable

from prefect import task

from pipelines.retries import SAMPLING
from synthgen.machine.device_lock import device_lock


def as_tasks(device: str) -> Callable[[str, Callable[[], None]], None]:
    """What does a step of this name as a task that holds the device."""

    def do(name: str, work: Callable[[], None]) -> None:
        @task(name=name, **SAMPLING)
        def step() -> None:
            with device_lock(device):
                work()

        step()

    return do
