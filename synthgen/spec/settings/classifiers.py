"""What all that trains classifiers on real and synthetic images is told of them."""

from __future__ import annotations

from pydantic import Field

from synthgen.spec.settings.reading import ReadingSettings


class ClassifierSettings(ReadingSettings):
    """Which real images classifiers learn from, and how."""

    real_split: str = Field("train", description="Split of the real training images.")
    limit_per_class: int | None = Field(
        None,
        ge=1,
        description="Take at most so many real training images of each class in all, as synthgen "
        "train does with the same setting.",
    )
    limit_seed: int = Field(0, ge=0, lt=2**63, description="Seed of that choice.")
    flip: bool | None = Field(
        None,
        description="Mirror training images half of the time; not for digits and letters. "
        "Default: as the generator was trained.",
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
    cache_dir: str | None = Field(
        None,
        description="Where decoded images and the results of trained classifiers are kept; "
        "default: $SYNTHGEN_CACHE or ~/.cache/synthgen.",
    )
