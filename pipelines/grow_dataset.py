"""Flow ``grow-dataset``: few labels and a pool of images without → rounds → a dataset."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from pipelines.parameters import flat, settings_of
from pipelines.steps import as_tasks
from synthgen.spec.settings.grow import GrowSettings
from synthgen.stages.grow.stage import grow


@flow(name="grow-dataset")
@flat(GrowSettings)
def grow_dataset(**parameters: Any) -> str:
    """Grow (or go on growing) a dataset in the folder ``out``; the dataset's folder.

    A task for each step of each round; what is done is not done again.
    """
    settings = GrowSettings.parse(settings_of(GrowSettings, parameters))
    report = grow(settings, as_tasks(settings.device))
    create_markdown_artifact(report.table(), key="grown", description=f"Dataset {report.dataset}")
    return str(report.dataset.resolve())
