"""How a dataset is compared with real images."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.reading import ReadingSettings
from synthgen.spec.settings.utility import UtilitySettings


class EvaluateSettings(ReadingSettings):
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
    field: dict[str, str] = Field(
        default_factory=dict,
        description="Columns of the real rows by the dataset's field, where they have other names: "
        "attributes=tags.",
    )
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
    utility: bool = Field(
        False,
        description="Train classifiers as well, as synthgen utility does: on the images named with "
        "train (default: the real ones), tested on the real images where train is given, else on "
        "their split 'test'. It takes minutes.",
    )
    utility_settings: dict[str, Any] = Field(
        default_factory=dict,
        description="Settings of synthgen utility, for example test=FOLDER,seeds=3,sizes=10+all.",
    )

    def for_utility(self) -> UtilitySettings | None:
        """The settings of the utility that is asked for.

        Raises:
            SynthgenError: they are not settings of it, or none was asked for.
        """
        if not self.utility:
            if self.utility_settings:
                raise SynthgenError("utility_settings: nothing to set without utility")
            return None
        source = {"real": self.real, "real_split": self.real_split}
        if self.train is not None:
            source = {
                "real": self.train, "real_split": self.train_split,
                "test": self.real, "test_split": self.real_split,
            }  # fmt: skip
        given = {
            **source, **self.reading(), "device": self.device, "generator": self.generator
        }  # fmt: skip
        own = {**given, **self.utility_settings, "dataset": self.dataset}
        return UtilitySettings.parse(own, "utility_settings")
