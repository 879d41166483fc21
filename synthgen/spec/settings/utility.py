"""How the utility of a finished dataset is measured."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from synthgen.spec.learning_baselines import BASELINES, check_baseline
from synthgen.spec.settings.classifiers import ClassifierSettings

ALL = "all"
HELD_OUT = "held-out"
"""Value of ``test`` that takes the rows which the generator's training held out."""


class UtilitySettings(ClassifierSettings):
    """Flat on purpose: one key is one command-line option, one YAML line, one form field."""

    dataset: str = Field(description="Folder of the finished dataset.")
    real: str = Field(
        description="Real training images: class folders, dataset folder or hub id. For the "
        "low-data case the very images that the generator was trained on."
    )
    attribute: str | None = Field(
        None,
        description="Learn this attribute in place of the label; default: of a dataset without "
        "labels the first one that is yes/no or has choices.",
    )
    learn: str | None = Field(
        None,
        description="Learn to read this column, as a mask, in place of the label; default: of a "
        "dataset without labels and attributes the first column that can be read.",
    )
    field: dict[str, str] = Field(
        default_factory=dict,
        description="Columns of the real rows by the dataset's field, where they have other names: "
        "attributes=tags.",
    )
    test: str | None = Field(
        None,
        description="Real images to test on, used for no choice; 'held-out': the rows that the "
        "generator's training held out, which are then not learnt from. Default: the test split of "
        "the same source, or where it has none those rows.",
    )
    test_split: str = Field("test", description="Split of the test images.")
    sizes: tuple[str, ...] = Field(
        ("10", "50", "100", "500", ALL),
        description="Real images of each class to train on, one part of the table each; 'all' for "
        "all there are. With 'all' alone and the generator's own training images the table is of "
        "the low-data case.",
    )
    seeds: int = Field(5, ge=1, le=100, description="Classifiers trained for each row.")
    synthetic_share: float = Field(
        0.5, gt=0, lt=1, description="Share of each batch that is synthetic, in real + synthetic."
    )
    finish_on_real: float = Field(
        0.0, ge=0, lt=1, description="Last share of the steps that show real images alone, in real "
        "+ synthetic.",
    )  # fmt: skip
    soft_labels: bool | None = Field(
        None,
        description="Synthetic images teach their soft labels in place of their own label: the "
        "dataset's column soft_label, or without one what the label classifier of the generator's "
        "bundle says of them. Default: where the dataset has that column.",
    )
    teachers: int = Field(
        0, ge=0, le=100, description="So many classifiers that learn from a row's real images "
        "alone say what its synthetic images show, and the mean of their answers is learnt in "
        "place of the labels, in real + synthetic. 0: none do.",
    )  # fmt: skip
    generator: str | None = Field(
        None, description="The bundle that made the dataset, for soft labels, if it is not bundled."
    )
    group: str | None = Field(
        None,
        description="Column of the real images whose values, each within each class, are groups: "
        "the table has the worst one, and baselines balance or weigh them.",
    )
    quick: bool = Field(
        False,
        description="A small classifier and small batches: a first look, at a tenth of the time. "
        "Masks and joints are always learnt so.",
    )
    baseline: tuple[str, ...] = Field(
        (),
        description="Ways to get more out of the same real images, as rows of their own: "
        f"{', '.join(BASELINES)}.",
    )
    unlabelled_split: str = Field("train", description="Split of the unlabelled images.")
    unlabelled: str | None = Field(
        None,
        description="Unlabelled images that baselines learn from as well: a folder, dataset folder "
        "or hub id.",
    )
    membership: bool = Field(
        False,
        description="Measure how well an attack on each classifier's answers tells the real images "
        "that stand behind it (its own, or its generator's) from test images.",
    )
    steps: int = Field(1000, ge=1, description="Training steps of every classifier.")
    batch_size: int | None = Field(
        None, ge=2, le=4096, description="Images per step; default: 256, quick 64."
    )
    width: int | None = Field(
        None, ge=4, le=512, description="Channels of the classifier; default: 64, of grey images "
        "32, quick 16.",
    )  # fmt: skip
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="Arithmetic of the classifier; 'auto' is bf16 where the device has it."
    )

    @model_validator(mode="after")
    def _baselines_have_what_they_need(self) -> UtilitySettings:
        for name in self.baseline:
            check_baseline(name, self.group is not None, self.unlabelled is not None)
        if len(set(self.baseline)) < len(self.baseline):
            raise ValueError("baseline: name none twice")
        users = [name for name, need in BASELINES.items() if need == "pool"]
        if self.unlabelled is not None and not set(users) & set(self.baseline):
            raise ValueError(
                "unlabelled images are for baselines: name "
                f"{', '.join(users[:-1])} or {users[-1]} with --baseline"
            )
        return self

    @model_validator(mode="after")
    def _one_teacher(self) -> UtilitySettings:
        if self.teachers and self.soft_labels:
            raise ValueError("teachers and soft_labels both say what images show: choose one")
        return self

    @field_validator("sizes", "baseline", mode="before")
    @classmethod
    def _listed(cls, sizes: Any) -> Any:
        """Where a comma already means something else: ``10+50+all``."""
        return tuple(str(sizes).split("+")) if isinstance(sizes, int | str) else sizes

    @field_validator("sizes")
    @classmethod
    def _numbers(cls, sizes: tuple[str, ...]) -> tuple[str, ...]:
        for size in sizes:
            if size != ALL and not (size.isdecimal() and int(size) > 0):
                raise ValueError(f"'{size}' is neither a number of images nor '{ALL}'")
        if not sizes or len(set(sizes)) < len(sizes):
            raise ValueError(f"name at least one number of images or '{ALL}', and none twice")
        return sizes
