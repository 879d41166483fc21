"""Flow ``train-generators``: train a generator, or find that its bundle is there already."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.artifacts import create_image_artifact, create_markdown_artifact

from pipelines.artifacts import data_url
from pipelines.parameters import flat, settings_of
from pipelines.retries import SAMPLING
from synthgen.machine.device_lock import device_lock
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.stage import train
from synthgen.storage.place import place


@flow(name="train-generators")
@flat(TrainSettings)
def train_generators(**parameters: Any) -> str:
    """Train (or go on training) into the run folder ``out``; the bundle's folder.

    A finished run with the same settings is left as it is. With ``per_class`` each class gets a
    generator of its own, and the bundle is the set of them.
    """
    settings = TrainSettings.parse(settings_of(TrainSettings, parameters))
    if settings.out is None:
        raise SynthgenError("out: name the run folder")
    out = place(settings.out)
    bundle = out / "bundle"

    @task(name="train", **{**SAMPLING, "retries": 2})
    def run() -> None:
        with device_lock(settings.device):
            train(settings)

    run()
    report, curves = out / "report.md", out / "training.png"
    text = report.read_text(encoding="utf-8") if report.is_file() else f"Bundle: {bundle}"
    create_markdown_artifact(text, key="training", description=f"Generator {bundle}")
    if curves.is_file():
        create_image_artifact(
            data_url(curves.read_bytes()), key="curves", description="Training curves"
        )
    return str(bundle)
