"""How a dataset is compared with real images."""

from __future__ import annotations

from pydantic import Field

from synthgen.spec.settings import Settings


class EvaluateSettings(Settings):
    """Flat on purpose: one key is one command-line option, one YAML line, one form field."""

    dataset: str = Field(description="Folder of the finished dataset.")
    real: str = Field(
        description="Real images to compare with: class folders, dataset folder or hub id. Best "
        "images that the generator was not trained on."
    )
    real_split: str = Field("train", description="Split of the real images.")
    images: int = Field(10_000, ge=16, description="Images looked at on each side, at most.")
    generator: str | None = Field(
        None, description="The bundle that made the dataset, if it is not bundled."
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
