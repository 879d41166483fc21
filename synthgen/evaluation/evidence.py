"""What the report shows beside the figures: pairs of images, and a map of real and made ones."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from synthgen.spec.errors import SynthgenError

VERSION = 1

LARGEST_PICTURE = 128
"""Pixels of a picture's longer side; larger ones are scaled down."""

MEDIA_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""First bytes to the type of a picture."""


@dataclass(frozen=True)
class PicturePair:
    """An image of the dataset and the one that it is nearest to. Pictures: :func:`picture`."""

    made: str
    other: str
    label: int
    closeness: float
    """In the units of the closeness' limit."""


@dataclass(frozen=True)
class MapPoint:
    """``x`` and ``y`` in [0, 1]."""

    x: float
    y: float
    label: int
    made: bool


@dataclass(frozen=True)
class ReadAgain:
    """What a reader sees of a column in the images of a dataset's first rows, as pictures."""

    column: str
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """``shards`` as in the evaluation's record that it belongs to."""

    shards: str
    training_pairs: tuple[PicturePair, ...]
    repeated_pairs: tuple[PicturePair, ...]
    points: tuple[MapPoint, ...]
    read_again: tuple[ReadAgain, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, **asdict(self)}

    @staticmethod
    def from_json(record: Any, where: str) -> Evidence:
        """What :meth:`to_json` gave.

        Raises:
            SynthgenError: it is damaged, or of another version.
        """
        try:
            if record["version"] != VERSION:
                raise ValueError
            own = {key: value for key, value in record.items() if key != "version"}
            return TypeAdapter(Evidence).validate_python(own)
        except (ValidationError, ValueError, KeyError, TypeError):
            raise SynthgenError(
                f"{where}: damaged or of another version; run synthgen evaluate again"
            ) from None


def picture(pixels: np.ndarray) -> str:
    """``uint8 [H, W, C]`` as base64 text of a PNG, or of a JPEG where that is much smaller."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    small = max(image.size) <= LARGEST_PICTURE // 2
    image.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if small:
        image.save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "JPEG", quality=88)
    return base64.b64encode(buffer.getvalue()).decode()


def data_url(picture: str) -> str:
    """A picture as a URL that holds it whole, or an empty text if it is no picture.

    What stands in a dataset's folder may be anybody's: nothing else may become an image's source.
    """
    try:
        start = base64.b64decode(picture, validate=True)[:8]
    except (binascii.Error, ValueError):
        return ""
    for magic, media in MEDIA_TYPES.items():
        if start.startswith(magic):
            return f"data:{media};base64,{picture}"
    return ""
