"""Everything that decides a dataset grown out of few labels and a pool of images without."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.reading import ReadingSettings


class GrowSettings(ReadingSettings):
    """The settings of ``synthgen grow``, checked: an option each.

    Flat on purpose: one key is one command-line option, one YAML line, one form field.
    """

    labelled: str = Field(
        description="The images whose classes are known: class folders, dataset folder, hub id, or "
        "a dataset that synthgen made."
    )
    unlabelled: str = Field(
        description="The pool: images of the same kind, whose labels are not read if there are any."
    )
    out: str = Field(description="Folder of the rounds and of the dataset.")
    split: str = Field("train", description="Split of the labelled images.")
    unlabelled_split: str = Field("train", description="Split of the pool.")
    test: str | None = Field(
        None,
        description="Labelled images to tell each round's accuracy on; nothing is chosen by them. "
        "Default: the accuracy on labels that a classifier had not seen alone.",
    )
    test_split: str = Field("test", description="Split of the test images.")
    classes: tuple[str, ...] | None = Field(
        None, description="Use these classes of the labelled images only; default: all."
    )
    limit_per_class: int | None = Field(
        None, ge=1, description="Take at most so many labelled images of each class."
    )
    limit_seed: int = Field(0, ge=0, lt=2**63, description="Seed of that choice.")
    resolution: int | None = Field(
        None,
        ge=4,
        le=1024,
        description="Side in pixels; default: the labelled images' shorter side, the median one, "
        "and at most 64 (on a GPU 128).",
    )
    color: Literal["auto", "rgb", "grey"] = Field(
        "auto", description="Colour mode; 'auto' takes the labelled images' own."
    )
    rounds: int = Field(
        2, ge=1, le=20, description="How often the pool is labelled and a generator trained on it."
    )
    confidence: float = Field(
        0.6,
        ge=0,
        lt=1,
        description="Least confidence, calibrated on labels, of a pool image that is kept.",
    )
    class_ratio: float = Field(
        2.0,
        ge=1,
        description="No class keeps more pool images than so many times the median class, each by "
        "its share of the labels: the surest of it are kept.",
    )
    members: int = Field(
        3,
        ge=1,
        le=20,
        description="Classifiers whose mean answer labels the pool. Each is trained without its "
        "part of the labels, which calibrate it; a single one sees all and is not calibrated.",
    )
    fixmatch: bool = Field(
        True,
        description="Have all classifiers learn from the pool itself by FixMatch as well; without, "
        "they take a third of the time.",
    )
    steps: int = Field(1000, ge=1, description="Training steps of every classifier.")
    classifier_batch: int = Field(64, ge=2, le=4096, description="Images of such a step.")
    width: int = Field(16, ge=4, le=512, description="Channels of every classifier.")
    sample_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="From the second labelling on: share of each batch that is samples.",
    )
    pool_share: float = Field(
        0.25,
        ge=0,
        lt=1,
        description="The same for pool images with the labels that they were given. The rest is "
        "labelled images.",
    )
    only_pool: bool = Field(
        False,
        description="Train generators on pool images alone, where the labelled ones have another "
        "look.",
    )
    per_class: int = Field(1000, ge=1, le=10**9, description="Samples of each class, each round.")
    filters: str = Field(
        "default", description="Filters of the samples, as in sampling: 'default', 'none', a file."
    )
    algorithm: str = Field("default", description="Algorithm of the generators, as in training.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="The algorithm's own options, for example width=24."
    )
    images: int | None = Field(
        None,
        ge=1,
        le=10**13,
        description="Real images shown to each generator; default: as in training.",
    )
    minutes: float | None = Field(
        None, gt=0, le=10**7, description="Minutes for each generator, in place of images."
    )
    flip: bool = Field(
        False, description="Mirror images half of the time, for classifiers and generators."
    )
    keep_pool: bool = Field(
        False,
        description="Leave the pool as a dataset too, with the labels of the last classifiers.",
    )
    experiment: Literal["2", "4"] = Field(
        "4", description="The experiment of docs/utility.md that the card names."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of everything random.")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="Arithmetic of the networks; 'auto' is bf16 where the device has it."
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="CPU threads that compute; default: as many as are fastest. Two runs are equal "
        "bit for bit only with the same number.",
    )

    @model_validator(mode="after")
    def _one_budget(self) -> GrowSettings:
        if self.images is not None and self.minutes is not None:
            raise ValueError("images and minutes both say how long to train: give one of them")
        return self

    @model_validator(mode="after")
    def _shares(self) -> GrowSettings:
        if self.sample_share + self.pool_share > 1:
            raise ValueError(
                f"sample_share and pool_share add up to {self.sample_share + self.pool_share:g}; "
                "leave something for the labelled images, or 1 in all"
            )
        return self

    def of_labelled(self) -> DataSettings:
        """How the labelled images are read; one image of a class is enough."""
        return DataSettings.parse({
            **self.reading(), "data": self.labelled, "split": self.split, "classes": self.classes,
            "limit_per_class": self.limit_per_class, "limit_seed": self.limit_seed,
            "resolution": self.resolution, "color": self.color, "min_per_class": 1,
        })  # fmt: skip
