"""Everything that decides a training run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from synthgen.spec.settings.data import DataSettings


class TrainSettings(DataSettings):
    """The settings of a training run, checked: an option of ``synthgen train`` each.

    Flat on purpose: one key is one command-line option, one YAML line, one form field. All lengths
    of time are counted in real images shown.
    """

    algorithm: str = Field(
        "default", description="Name of a registered algorithm; 'default' is r3gan."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="The algorithm's own options, for example width=64."
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
    images: int = Field(
        200_000, ge=1, le=10**13, description="Training budget in real images shown."
    )
    batch_size: int = Field(128, ge=2, le=65_536, description="Images per step over all devices.")
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
    holdout: float = Field(
        0.1,
        gt=0,
        lt=0.9,
        description="Share of the real images held out of training to score "
        "the generator and calibrate filters.",
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
    ticks: int = Field(20, ge=1, le=10**6, description="How many times a run is scored and drawn.")
    checkpoint_every: int | None = Field(
        None, ge=1, description="Images between checkpoints; default: at every tick."
    )
    score_samples: int = Field(2048, ge=16, description="Generated images per fidelity score.")
    classifier_images: int = Field(
        400_000,
        ge=1,
        description="Training budget of the label classifier in images shown; "
        "never more than 60 passes over the data.",
    )
