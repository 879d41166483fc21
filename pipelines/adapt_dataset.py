"""Flow ``adapt-dataset``: labelled images in the look of a place whose images have no labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact

from pipelines.parameters import flat, settings_of
from pipelines.retries import SAMPLING
from synthgen.machine.device_lock import device_lock
from synthgen.spec.settings.adapt import AdaptSettings
from synthgen.stages.adapt.stage import adapt


@flow(name="adapt-dataset")
@flat(AdaptSettings)
def adapt_dataset(**parameters: Any) -> str:
    """Translate, audit and refine (or go on) in the folder ``out``; the finished dataset's folder.

    Each step is a task; what is done is left as it is.
    """
    settings = AdaptSettings.parse(settings_of(AdaptSettings, parameters))

    def do(name: str, work: Callable[[], None]) -> None:
        @task(name=name, **SAMPLING)
        def step() -> None:
            with device_lock(settings.device):
                work()

        step()

    report = adapt(settings, do)
    create_markdown_artifact(f"```\n{report.text()}\n```", key="adapted")
    return str(report.dataset.resolve())
