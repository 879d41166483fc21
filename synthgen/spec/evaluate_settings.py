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
    train: str | None = Field(
        None,
        description="Images that the generator was trained on, to search for copies of; default: "
        "the real images.",
    )
    train_split: str = Field("train", description="Split of the training images.")
    images: int = Field(10_000, ge=16, description="Images looked at on each side, at most.")
    train_images: int = Field(
        10_000,
        ge=16,
        description="Training images searched for each image's nearest, at most; copies pixel for "
        "pixel are looked for among all.",
    )
    extractor: str = Field(
        "auto",
        description="What images are compared by: efficientnet-lite0 (ImageNet features; @SIDE "
        "for another input size than 224 px), classifier (the bundle's own), or a path or hub id "
        "of FID's Inception-v3 or a DINOv2; auto takes efficientnet-lite0, at 96 px for images up "
        "to that size.",
    )
    generator: str | None = Field(
        None, description="The bundle that made the dataset, if it is not bundled."
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
