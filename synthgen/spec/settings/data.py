"""Which real images to read and how to bring them to one size."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synthgen.spec.settings.reading import ReadingSettings


class DataSettings(ReadingSettings):
    """Settings of the data room; training and evaluation settings extend them."""

    data: str = Field(
        description="Folder of class sub-folders or of images with a label file, .zip or .tar of "
        "it, WebDataset shards, Parquet / Hugging Face dataset folder, or hub id."
    )
    split: str = Field("train", description="Split to read when the source has several.")
    classes: tuple[str, ...] | None = Field(
        None, description="Use these classes only, in this order; default: all."
    )
    mask_names: tuple[str, ...] | None = Field(
        None,
        description="Classes of masks in the order of their values, from 0 on; default: as "
        "classes.json beside the data says.",
    )
    resolution: int | None = Field(
        None,
        ge=4,
        le=1024,
        description="Side in pixels of the square the images are brought to; default: the first "
        "image's shorter side, in training the median one and at most 64 (on a GPU 128).",
    )
    color: Literal["auto", "rgb", "grey"] = Field(
        "auto", description="Colour mode; 'auto' takes the images' own and refuses a mixture."
    )
    limit_per_class: int | None = Field(
        None,
        ge=1,
        description="Use at most so many images of each class, a random choice; a smaller choice "
        "is part of every larger one of the same limit_seed.",
    )
    limit_seed: int = Field(0, ge=0, lt=2**63, description="Seed of the choice.")
    min_per_class: int = Field(10, ge=1, description="Fewest images a class may have.")
