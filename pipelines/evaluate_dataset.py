"""Flow ``evaluate-dataset``: compare a finished dataset with real images."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from pipelines.parameters import flat, settings_of
from pipelines.retries import SAMPLING
from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.text import as_text
from synthgen.machine.device_lock import device_lock
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.stage import evaluate


@flow(name="evaluate-dataset")
@flat(EvaluateSettings)
def evaluate_dataset(**parameters: Any) -> str:
    """Compare with real images class by class; the verdict in one sentence."""
    settings = EvaluateSettings.parse(settings_of(EvaluateSettings, parameters))

    @task(name="evaluate", **SAMPLING)
    def run() -> Evaluation:
        with device_lock(settings.device):
            return evaluate(settings)

    found = run()
    create_table_artifact(
        table=[
            {
                "class": entry.name, "images": entry.images, "diversity": entry.diversity,
                "agreement": entry.agreement, "real agreement": entry.real_agreement,
            }
            for entry in found.classes
        ],
        key="classes",
        description="Diversity and label agreement beside the real images'.",
    )  # fmt: skip
    create_markdown_artifact(f"```\n{as_text(found)}\n```", key="evaluation")
    return found.verdict
