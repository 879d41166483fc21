"""Flow ``filter-dataset``: judge a finished dataset again, without sampling again."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact

from pipelines.parameters import flat, settings_of
from pipelines.retries import SAMPLING
from synthgen.spec.filter_settings import FilterSettings
from synthgen.stages.sample.filter import FilterReport, filter_dataset


@flow(name="filter-dataset")
@flat(FilterSettings)
def filter_dataset_flow(**parameters: Any) -> str:
    """Make a dataset of those images of another that pass other filters; the folder of it.

    Works from stored scores and bytes; exact duplicates are sought over the whole dataset.
    """
    settings = FilterSettings.parse(settings_of(FilterSettings, parameters))

    @task(name="filter", **SAMPLING)
    def run() -> FilterReport:
        return filter_dataset(settings)

    report = run()
    create_markdown_artifact(f"```\n{report.text()}\n```", key="filtered")
    return str(report.root.resolve())
