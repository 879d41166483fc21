"""Which real images to read and how to bring them to one size."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synthgen.spec.settings.base import Settings

Structured = Literal[
    "auto", "classes", "splits", "flat", "labels", "table", "pairs", "side-by-side", "coco"
]
"""How a folder of images may be meant."""


class DataSettings(Settings):
    """Settings of the data room; training and evaluation settings extend them."""

    data: str = Field(
        description="Folder of class sub-folders or of images with a label file, .zip or .tar of "
        "it, WebDataset shards, Parquet / Hugging Face dataset folder, or hub id."
    )
    structure: Structured = Field(
        "auto",
        description="How the folder is meant, where it is not plain: sub-folders are 'classes' or "
        "'splits'; 'flat' reads all images as one class, 'all'; a file beside the images has the "
        "'labels'; the data is a 'table'. Images with partners: folders of equal stems are "
        "'pairs'; each file holds two images 'side-by-side'; a JSON file has annotations as "
        "'coco'.",
    )
    split: str = Field("train", description="Split to read when the source has several.")
    image_column: str | None = Field(
        None,
        description="Image column; default: the only column of images. Of pairs the folder, or the "
        "half, that is to be made.",
    )
    label_column: str | None = Field(
        None, description="Label column; default: the only class-label column, else 'label'."
    )
    classes: tuple[str, ...] | None = Field(
        None, description="Use these classes only, in this order; default: all."
    )
    mask_names: tuple[str, ...] | None = Field(
        None,
        description="Classes of masks in the order of their values, from 0 on; default: as "
        "classes.json beside the data says.",
    )
    domain_column: str | None = Field(
        None, description="Column that names each row's domain, where a table holds several."
    )
    domain: str | None = Field(
        None, description="Use the rows of this domain only; needs domain_column."
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
    pixel_range: tuple[float, float] | None = Field(
        None,
        description="Values that become black and white, for images with more than 8 bits a "
        "channel; default: by the number of bits that the largest value of all needs.",
    )
    fit: Literal["crop", "pad"] = Field(
        "crop", description="How an image that is not square becomes square."
    )
    on_bad_image: Literal["stop", "skip"] = Field(
        "stop", description="An unreadable image stops the run, or is skipped and reported."
    )
    limit_per_class: int | None = Field(
        None,
        ge=1,
        description="Use at most so many images of each class, a random choice; a smaller choice "
        "is part of every larger one of the same limit_seed.",
    )
    limit_seed: int = Field(0, ge=0, lt=2**63, description="Seed of the choice.")
    min_per_class: int = Field(10, ge=1, description="Fewest images a class may have.")
    max_pixels: int = Field(
        64_000_000, ge=1, description="Largest image in pixels that is decoded (bomb guard)."
    )
    cache_dir: str | None = Field(
        None,
        description="Where decoded images are kept; default: $SYNTHGEN_CACHE or ~/.cache/synthgen.",
    )
