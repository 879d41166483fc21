"""Everything that decides a sampled dataset, and how to go about making it."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from synthgen.spec.plan import SPLIT_NAME
from synthgen.spec.settings.base import Settings
from synthgen.spec.settings.reading import Structured


class SampleSettings(Settings):
    """The settings of a dataset to make, checked: an option of ``synthgen sample`` each.

    Flat on purpose: one key is one command-line option, one YAML line, one form field."""

    classes: tuple[str, ...] | None = Field(
        None, description="Classes to make, comma-separated; default: all the generator knows."
    )
    n: int | None = Field(
        None, ge=1, le=10**10, description="Total number of images, split evenly over the classes."
    )
    per_class: int | None = Field(
        None, ge=1, le=10**10, description="Number of images of each class, in place of --n."
    )
    generator: str | None = Field(
        None,
        description="Bundled name, bundle folder, store URL or hub id; default: the bundled "
        "generator that knows all the classes.",
    )
    source: str | None = Field(
        None,
        description="Real rows that the generator is given, where it is given more than a class "
        "(images to translate, to enlarge, to fill): folder or hub id; each row is used at most "
        "once. Also --given.",
        json_schema_extra={"also": "--given"},
    )
    structure: Structured = Field(
        "auto", description="How the folder of the source is meant, as in training."
    )
    image_column: str | None = Field(
        None,
        description="Column, folder or half of the source's images that stands for what is made, "
        "as in training.",
    )
    label_column: str | None = Field(
        None, description="Column of the source rows' classes, as in training."
    )
    mask_names: tuple[str, ...] | None = Field(
        None, description="Classes of the source's masks in the order of their values, as in "
        "training; default: as classes.json beside them says.",
    )  # fmt: skip
    source_split: str = Field("train", description="Split of the source.")
    source_domain_column: str | None = Field(
        None, description="Column that names each source row's domain."
    )
    source_domain: str | None = Field(None, description="Use the source's rows of this domain.")
    given_again: bool = Field(
        False, description="Give a row as often as it takes, where there are too few."
    )
    carry: bool = Field(
        True,
        description="Have the other columns of the given rows (classes, ids, numbers, texts) in "
        "the dataset.",
    )
    set: dict[str, Any] = Field(
        default_factory=dict,
        description="Attributes that are the same for all images, for example smiling=1,age=60; "
        "the others are drawn from real rows that have these values, where there are any.",
    )
    balance: tuple[str, ...] = Field(
        (),
        description="Attributes of which every combination of values that occurs in the real rows "
        "is made equally often, for example gender,age; of a number five bands.",
    )
    prompts: str | tuple[tuple[str, str], ...] | None = Field(
        None,
        description="File of captions to make images of: one a line, or a table (CSV, JSON lines, "
        "Parquet) with a column of them, and of the class in 'label' where images have one.",
        json_schema_extra={"metavar": "FILE"},
    )
    per_prompt: int | None = Field(
        None, ge=1, le=10**9, description="Number of images of each prompt, in place of --n."
    )
    field: dict[str, str] = Field(
        default_factory=dict,
        description="Columns of the given rows, by the task's field: attributes=tags.",
    )
    out: str | None = Field(
        None, description="Output folder or store URL; default: named for the run, here."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of every image.")
    image_format: Literal["png", "webp", "jpeg"] = Field(
        "png", description="Encoding of the images; png and webp are lossless."
    )
    truncation: float | None = Field(
        None, ge=0, le=4, description="Truncation of the latents; default: off, for variety."
    )
    latent_std: float = Field(
        1.0, gt=0, le=4, description="Standard deviation of the latents; above 1 widens variety."
    )
    refine_latents: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Steps (20 are a beginning) that latents are moved by, so that random networks "
        "see in their images what they see in those of real; takes some times as long.",
    )
    real: str | None = Field(
        None,
        description="Real images to refine latents towards: class folders, dataset folder or hub "
        "id, read as structure, image_column and label_column say.",
    )
    real_split: str = Field("train", description="Split of these real images.")
    splits: dict[str, float] = Field(
        default_factory=lambda: {"train": 1.0},
        description="Shares of the splits, for example train=0.9,test=0.1.",
    )
    filters: str = Field(
        "default", description="'default', 'audit', 'none', or a YAML file of filters."
    )
    scores: Literal["all", "statistics", "discriminator"] = Field(
        "all",
        description="What is measured of every image: 'statistics' of its pixels alone; 'all', "
        "these and the classifier's scores; 'discriminator', those and the discriminator's logit, "
        "which takes as long as generating and is measured anyway where a filter asks for it.",
    )
    soft_labels: bool = Field(
        False,
        description="Have a column soft_label: the probability of every class, as the label "
        "classifier of the generator's bundle gives it, for learners to take in place of the "
        "label.",
    )
    teachers: tuple[str, ...] = Field(
        (),
        description="Bundles whose label classifiers give the soft labels, the mean of their "
        "answers, in place of the generator's own.",
    )
    acceptance_floor: float = Field(
        0.02,
        ge=0,
        lt=1,
        description="Stop when a class keeps less than this share of its candidates.",
    )
    keep_rejects: bool = Field(False, description="Write what was thrown away to rejects/.")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="Arithmetic of the generator; 'auto' is bf16 where the device has it."
    )
    compile: bool = Field(
        False,
        description="Compile the generator first (torch.compile; needs a C++ compiler, and half a "
        "minute): a fifth faster, so it pays from some hundred thousand images on.",
    )
    batch_size: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="Candidates generated at a time; default: by the size of the images.",
    )
    images_per_shard: int | None = Field(
        None, ge=1, description="Images in a shard; default: about 128 MB, at most 10,000."
    )
    workers: int = Field(1, ge=1, le=256, description="Local worker processes.")

    @field_validator("classes")
    @classmethod
    def _named(cls, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if classes is not None and (not classes or not all(classes)):
            raise ValueError("name at least one class, and none empty")
        return classes

    @field_validator("splits")
    @classmethod
    def _shares(cls, splits: dict[str, float]) -> dict[str, float]:
        for name, share in splits.items():
            if not SPLIT_NAME.fullmatch(name):
                raise ValueError(f"split name '{name}' must be a letter, then letters, digits, _")
            if not share > 0:
                raise ValueError(f"split '{name}' needs a share above 0")
        if not math.isclose(sum(splits.values()), 1.0, abs_tol=1e-6):
            raise ValueError(f"the shares add up to {sum(splits.values()):g}, not 1")
        return splits

    @model_validator(mode="after")
    def _refined(self) -> SampleSettings:
        if self.refine_latents is not None and self.real is None:
            raise ValueError("refine_latents needs real images: name them with real")
        if self.refine_latents is None and self.real is not None:
            raise ValueError("real images are what latents are refined towards: set refine_latents")
        if self.refine_latents is not None and self.compile:
            raise ValueError("refine_latents and compile do not go together: leave one out")
        return self

    @model_validator(mode="after")
    def _taught(self) -> SampleSettings:
        if self.teachers and not self.soft_labels:
            raise ValueError("teachers give soft labels: set soft_labels as well")
        if twice := [name for name in self.teachers if self.teachers.count(name) > 1]:
            raise ValueError(f"teachers: '{twice[0]}' is named twice; name each once")
        return self

    @model_validator(mode="after")
    def _amount(self) -> SampleSettings:
        if self.per_prompt is not None and self.prompts is None:
            raise ValueError("per_prompt needs prompts: name their file with --prompts")
        if sum(x is not None for x in (self.n, self.per_class, self.per_prompt)) != 1:
            raise ValueError(
                "give either n (a total) or per_class, not both and not neither"
                + (", or per_prompt alone" if self.prompts is not None else "")
            )
        return self
