"""Everything that decides a training run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from synthgen.spec.settings.data import DataSettings

BUDGETS = ("images", "minutes", "hours")
"""Settings that say how long a run is: at most one of them is given."""


class TrainSettings(DataSettings):
    """The settings of a training run, checked: an option of ``synthgen train`` each.

    Flat on purpose: one key is one command-line option, one YAML line, one form field. What is left
    open here (``None``) is decided for the data and the machine when a run begins
    (``stages/train/decide.py``) and kept with the run.
    """

    algorithm: str = Field(
        "default", description="Name of a registered algorithm; 'default' is r3gan."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="The algorithm's own options, for example width=64."
    )
    use: str | None = Field(
        None,
        description="What the generator is for (synthgen uses); default: images of the classes in "
        "the data, or what the algorithm is for.",
    )
    use_options: dict[str, Any] = Field(
        default_factory=dict, description="The use's own options, for example scale=4."
    )
    field: dict[str, str] = Field(
        default_factory=dict,
        description="Columns of the data by the use's field, where they have other names: "
        "attributes=tags.",
    )
    move: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Show real rows moved and scaled by up to this share of the side, images, "
        "masks and keypoints together.",
    )
    source: str | None = Field(
        None,
        description="Images of the other domain, for algorithms with two: what CycleGAN translates "
        "into images like those of data. Default: data itself, with source_domain.",
    )
    source_domain: str | None = Field(
        None, description="Domain of the source's rows; needs domain_column."
    )
    per_class: bool = Field(
        False,
        description="Train one GAN for each class instead of one for all; the bundle is the set "
        "of them. The label classifier that judges them still learns all classes.",
    )
    only_class: str | None = Field(
        None, description="Train on this class alone: one part of a set made with per_class."
    )
    out: str | None = Field(
        None, description="Run folder or store URL; default: runs/<config or data name>."
    )
    minutes: float | None = Field(
        None,
        gt=0,
        le=10**7,
        description="Training budget in minutes, all told: resolution, width, batch and images "
        "are chosen for it by measuring this machine. Not together with images.",
    )
    hours: float | None = Field(
        None, gt=0, le=10**5, description="Training budget in hours, in place of minutes."
    )
    images: int | None = Field(
        None,
        ge=1,
        le=10**13,
        description="Training budget in real images shown; default: what minutes allow, else "
        "200,000, or 120,000 under 2,000 training images.",
    )
    batch_size: int | None = Field(
        None,
        ge=2,
        le=65_536,
        description="Images per step over all devices; default: 128, fewer for few images or a "
        "short run, for more steps.",
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of weights, data order and noise.")
    lr_decay: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Last share of the run over which the learning rate falls linearly to a tenth.",
    )
    ema_half_life: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Half-life of the averaged generator as a share of the images shown so far.",
    )
    flip: bool = Field(False, description="Show real images mirrored half of the time.")
    augment: Literal["auto", "none", "diffaugment", "ada"] = Field(
        "auto",
        description="Augmentation before the discriminator; 'ada' adapts its strength to "
        "over-fitting; 'auto' is that under 20,000 images of 24 px or more, else none.",
    )
    clip_gradients: float | None = Field(
        None, gt=0, description="Largest gradient norm; default: no clipping."
    )
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="Arithmetic of the networks; 'auto' is bf16 where the device has it."
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="CPU threads that compute; default: as many as are fastest, measured at the "
        "start and at every tick, for other processes may want the cores. The number changes the "
        "last bits of gradients: two runs are equal bit for bit only with the same one.",
    )
    holdout: float | None = Field(
        None,
        gt=0,
        lt=0.9,
        description="Share of the real images held out of training to score the generator and "
        "calibrate filters; default: 0.1, or up to 0.2 for 25 images of each class.",
    )
    keep_discriminator: bool = Field(
        True, description="Put the discriminator into the bundle, to score realism with."
    )
    reference: bool = Field(
        True,
        description="Put fingerprints (blurred thumbnails of 32 numbers) and features of training "
        "images into the bundle, to find memorised and unreal images with; not where the images "
        "are private.",
    )
    ticks: int | None = Field(
        None,
        ge=1,
        le=10**6,
        description="How many times a run is scored and drawn; default: 20, fewer in a short run.",
    )
    checkpoint_every: int | None = Field(
        None, ge=1, description="Images between checkpoints; default: at every tick."
    )
    score_samples: int | None = Field(
        None,
        ge=16,
        description="Generated images per fidelity score; default: four times the held-out real "
        "ones, 2,048 at most.",
    )
    classifier_images: int | None = Field(
        None,
        ge=1,
        description="Training budget of the label classifier in images shown, never more than 60 "
        "passes over the data; default: twice the generator's, 20,000 to 400,000.",
    )

    @model_validator(mode="after")
    def _one_budget(self) -> TrainSettings:
        given = [name for name in BUDGETS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(
                f"{given[0]} and {given[1]} both say how long to train: give one of them"
            )
        return self

    @property
    def seconds(self) -> float | None:
        """The time that the whole run may take, if the budget is one of time."""
        if self.hours is not None:
            return self.hours * 3600
        return None if self.minutes is None else self.minutes * 60


class DecidedTrainSettings(TrainSettings):
    """Training settings with nothing left open; all lengths are in real images shown.

    Under a budget of time ``images`` is what the run was expected to show when it began.
    """

    resolution: int
    images: int
    batch_size: int
    holdout: float
    ticks: int
    score_samples: int
    classifier_images: int

    @model_validator(mode="after")
    def _one_budget(self) -> DecidedTrainSettings:
        """A decided run of ``minutes`` has images as well."""
        return self
