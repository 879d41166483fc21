"""Flow ``adapt-dataset``: labelled images in the look of a place whose images have no labels."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from pipelines.parameters import flat, settings_of
from pipelines.steps import as_tasks
from synthgen.spec.settings.adapt import AdaptSettings
from synthgen.stages.adapt.stage import adapt


@flow(name="adapt-dataset")
@flat(AdaptSettings)
def adapt_dataset(**parameters: Any) -> str:
    """Translate, audit and refine (or go on) in the folder ``out``; the finished dataset's folder.

    Each step is a task; what is done is left as it is.
    """
    settings = AdaptSettings.parse(settings_of(AdaptSettings, parameters))
    report = adapt(settings, as_tasks(settings.device))
    create_markdown_artifact(f"```\n{report.text()}\n```", key="adapted")
    return str(report.dataset.resolve())
