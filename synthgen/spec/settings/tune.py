"""How sampling settings are chosen for a classifier's sake."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from synthgen.spec.settings.classifiers import ClassifierSettings

NONE = "none"
DEFAULT = "default"


class TuneSettings(ClassifierSettings):
    """Flat on purpose: one key is one command-line option, one YAML line, one form field.

    The grid is every combination of ``latent_std``, ``truncation``, ``agreement``, ``shares`` and
    ``finish``.
    """

    generator: str = Field(description="Bundled name, bundle folder or hub id.")
    real: str = Field(
        description="Real training images: class folders, dataset folder or hub id. A part of them "
        "is held out to choose by; test images have no place here."
    )
    out: str = Field("tuned", description="Folder for the trials, tune.json and sample.yaml.")
    latent_std: tuple[float, ...] = Field(
        (1.0, 1.3), description="Standard deviations of the latents to try."
    )
    truncation: tuple[str, ...] = Field((NONE,), description="Truncations to try; 'none' is off.")
    agreement: tuple[str, ...] = Field(
        (DEFAULT, "0.9"),
        description="Least label agreement to try; 'default' is the default filters' own.",
    )
    shares: tuple[float, ...] = Field(
        (0.25, 0.5, 0.75), description="Shares of each batch that are synthetic, to try."
    )
    finish: tuple[float, ...] = Field(
        (0.0,),
        description="Last shares of the steps that show real images alone, to try.",
    )
    per_class: int = Field(500, ge=1, description="Synthetic images of each class in a trial.")
    holdout: float = Field(
        0.1, gt=0, lt=0.9, description="Share of the real images held out, where the generator's "
        "own hold-out is not known.",
    )  # fmt: skip
    seeds: int = Field(2, ge=1, le=100, description="Classifiers trained for each trial.")
    steps: int = Field(400, ge=1, description="Training steps of every classifier.")
    batch_size: int = Field(64, ge=2, le=4096, description="Images per step.")
    width: int = Field(16, ge=4, le=512, description="Channels of the classifier.")
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of the synthetic images.")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="Arithmetic of generator and classifier."
    )

    @field_validator("latent_std")
    @classmethod
    def _stds(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return _within(values, 0, 4, "a standard deviation")

    @field_validator("shares")
    @classmethod
    def _shares(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return _within(values, 0, 1, "a share")

    @field_validator("finish")
    @classmethod
    def _finishes(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not values or not all(0 <= value < 1 for value in values):
            raise ValueError("a last share is at least 0 and under 1; name at least one")
        return values

    @field_validator("truncation", "agreement")
    @classmethod
    def _words(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if value not in (NONE, DEFAULT) and not _number(value):
                raise ValueError(f"'{value}' is no number")
        if not values:
            raise ValueError("name at least one value")
        return values


def _within(values: tuple[float, ...], low: float, high: float, what: str) -> tuple[float, ...]:
    if not values or not all(low < value < high for value in values):
        raise ValueError(f"{what} lies between {low:g} and {high:g}; name at least one")
    return values


def _number(text: str) -> bool:
    try:
        return 0 <= float(text) <= 4
    except ValueError:
        return False
