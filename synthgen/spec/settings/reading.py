"""How real images are read, wherever a command reads some."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from synthgen.spec.settings.base import Settings

Structured = Literal[
    "auto", "classes", "splits", "flat", "labels", "table", "pairs", "side-by-side", "coco"
]
"""How a folder of images may be meant."""


class ReadingSettings(Settings):
    """The same in every command that reads real images, so that they are read as in training.

    A command that reads several sources reads all of them in this way.
    """

    structure: Structured = Field(
        "auto",
        description="How the folder is meant, where it is not plain: sub-folders are 'classes' or "
        "'splits'; 'flat' reads all images as one class, 'all'; a file beside the images has the "
        "'labels'; the data is a 'table'. Images with partners: folders of equal stems are "
        "'pairs'; each file holds two images 'side-by-side'; a JSON file has annotations as "
        "'coco'.",
    )
    image_column: str | None = Field(
        None,
        description="Image column; default: the only column of images. Of pairs the folder, or the "
        "half, that is to be made.",
    )
    label_column: str | None = Field(
        None, description="Label column; default: the only class-label column, else 'label'."
    )
    domain_column: str | None = Field(
        None, description="Column that names each row's domain, where a table holds several."
    )
    domain: str | None = Field(
        None, description="Use the rows of this domain only; needs domain_column."
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
    max_pixels: int = Field(
        64_000_000, ge=1, description="Largest image in pixels that is decoded (bomb guard)."
    )
    cache_dir: str | None = Field(
        None,
        description="Where decoded images are kept; default: $SYNTHGEN_CACHE or ~/.cache/synthgen.",
    )

    def reading(self) -> dict[str, Any]:
        """These settings by name, without those that a command has beside them."""
        return {name: getattr(self, name) for name in ReadingSettings.model_fields}
