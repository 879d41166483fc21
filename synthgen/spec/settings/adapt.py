"""How labelled images are given the look of a place whose images have no labels."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from synthgen.spec.settings.reading import ReadingSettings


class AdaptSettings(ReadingSettings):
    """Flat on purpose: one key is one command-line option, one YAML line, one form field. How
    images are read is said of the source; the target's are read as they lie, without labels."""

    source: str = Field(description="Labelled images: folder of class sub-folders, dataset folder, "
                        "table, archive or hub id.")  # fmt: skip
    source_split: str = Field("train", description="Split of the source.")
    classes: tuple[str, ...] | None = Field(
        None, description="Use these classes of the source only, in this order; default: all."
    )
    target: str = Field(
        description="Images of the place where a model is to work, without labels; any that they "
        "have are not looked at."
    )
    target_split: str = Field("train", description="Split of the target.")
    test: str | None = Field(
        None,
        description="Labelled images of the target to test classifiers on at the end, beside the "
        "baselines; nothing is chosen by them.",
    )
    test_split: str = Field("test", description="Split of the test images.")
    out: str = Field(description="Folder of the run; the finished dataset is its folder dataset.")
    resolution: int | None = Field(
        None, ge=4, le=256, description="Side in pixels; default: the target's own, at most 64."
    )
    canonical: bool = Field(
        True,
        description="Invert, crop and scale the source's images where the look of both sets makes "
        "plain that it is needed.",
    )
    algorithm: str = Field(
        "pixelda", description="What translates: an algorithm that learns from two sets."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="The algorithm's own options, for example width=32."
    )
    guards: bool = Field(
        True, description="Have classifiers keep labels while the translator learns."
    )
    images: int | None = Field(
        None, ge=1, le=10**12,
        description="Budget of the translator in images shown; default: 100,000.",
    )  # fmt: skip
    minutes: float | None = Field(
        None, gt=0, le=10**7, description="Budget of the translator in minutes, in place of images."
    )
    batch_size: int = Field(32, ge=2, le=4096, description="Images per step of the translator.")
    copies: int = Field(
        1, ge=1, le=1000, description="Translations of each row, each with other noise."
    )
    flip_limit: float = Field(
        0.1, ge=0, le=1,
        description="Stop where two classifiers name the same other class than the row for more "
        "than this share of the translations.",
    )  # fmt: skip
    rounds: int = Field(
        2, ge=0, le=20,
        description="Rounds of refinement on the target's own images, as synthgen grow; 0: none.",
    )  # fmt: skip
    round_images: int | None = Field(
        None, ge=1, description="Budget of the generator of each round in images shown; default: "
        "as synthgen grow.",
    )  # fmt: skip
    round_algorithm: str = Field("default", description="The generators' algorithm in rounds.")
    per_class: int = Field(1000, ge=1, description="Samples of each class in a round.")
    filters: str = Field(
        "default",
        description="Filters of a round's samples: 'default', 'audit', 'none', or a YAML file.",
    )
    members: int = Field(3, ge=1, le=20, description="Classifiers that label the pool together.")
    steps: int = Field(1000, ge=1, description="Training steps of every classifier.")
    classifier_batch: int = Field(64, ge=2, le=4096, description="Images per step of these.")
    width: int = Field(16, ge=4, le=512, description="Channels of the classifiers.")
    flip: bool = Field(
        False, description="Show images mirrored half of the time; not for digits and letters."
    )
    seed: int = Field(0, ge=0, lt=2**62, description="Seed of everything random.")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
    threads: int | None = Field(
        None, ge=1, le=1024, description="CPU threads that compute; default: measured as in "
        "training.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_budget(self) -> AdaptSettings:
        if self.images is not None and self.minutes is not None:
            raise ValueError("images and minutes both say how long to train: give one of them")
        return self
