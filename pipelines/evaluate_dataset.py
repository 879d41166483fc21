"""Flow ``evaluate-dataset``: compare a finished dataset with real images."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from pipelines.parameters import flat, settings_of
from pipelines.retries import SAMPLING
from synthgen.spec.evaluate_settings import EvaluateSettings
from synthgen.stages.device_lock import device_lock
from synthgen.stages.evaluate import Evaluation, evaluate


@flow(name="evaluate-dataset")
@flat(EvaluateSettings)
def evaluate_dataset(**parameters: Any) -> float:
    """Compare with real images class by class; the Fréchet distance."""
    settings = EvaluateSettings.parse(settings_of(EvaluateSettings, parameters))

    @task(name="evaluate", **SAMPLING)
    def run() -> Evaluation:
        with device_lock(settings.device):
            return evaluate(settings)

    found = run()
    create_table_artifact(
        table=[asdict(entry) for entry in found.classes],
        key="classes",
        description="Diversity and label agreement beside the real images'.",
    )
    create_markdown_artifact(f"```\n{found.text()}\n```", key="evaluation")
    return found.measures["frechet_distance"]
