"""One encoded image to one square of uint8 pixels."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

GREY_MODES = {"1", "L", "LA", "I;16", "I", "F"}


Image.init()
COMMON = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")
FORMATS = tuple(name for name in COMMON if name in Image.OPEN)
"""Formats that are read. Pillow knows dozens more; one of them starts another program."""

LARGEST_FILE = 512 * 2**20
"""Bytes of an image file that is looked at."""


BROKEN = (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError, TypeError,
          IndexError, KeyError, struct.error, zlib.error)  # fmt: skip
"""What Pillow's readers raise at files made to confuse them."""


class BadImage(Exception):
    """An image that cannot be used; the text is the reason, without its path."""


@dataclass(frozen=True)
class Decoding:
    """How images become arrays ``uint8 [side, side, channels]``."""

    side: int
    channels: int
    fit: Literal["crop", "pad"]
    max_pixels: int


def open_image(encoded: bytes, max_pixels: int) -> Image.Image:
    """The image, its header read and its size checked before any pixel is decoded.

    Raises:
        BadImage: not an image, or more than ``max_pixels`` pixels.
    """
    if len(encoded) > LARGEST_FILE:
        raise BadImage(f"larger than {LARGEST_FILE / 2**20:,.0f} MB")
    try:
        with warnings.catch_warnings():
            # Our own bound follows; Pillow's larger one still raises an error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(encoded), formats=FORMATS)
    except Image.DecompressionBombError:
        raise BadImage(
            f"decompression bomb: more than {max_pixels:,} pixels (max_pixels)"
        ) from None
    except UnidentifiedImageError:
        raise BadImage("not an image, or cut off before its header ends") from None
    except BROKEN as error:
        raise BadImage(" ".join(str(error).split()) or "cannot be read") from None
    if image.width * image.height > max_pixels:
        raise BadImage(
            f"decompression bomb: {image.width}x{image.height} is more than {max_pixels:,} pixels "
            "(max_pixels)"
        )
    return image


def is_grey(image: Image.Image) -> bool:
    """Whether the image has no colour by its mode; a palette counts as colour."""
    return image.mode in GREY_MODES


def decode(encoded: bytes, how: Decoding) -> np.ndarray:
    """Pixels ``uint8 [side, side, channels]``.

    The EXIF orientation is applied; transparency is laid on white; a shorter or longer side is made
    square by cutting the longer one (crop) or filling with black (pad); then the square is resized,
    with a Lanczos filter.

    Raises:
        BadImage: the image cannot be decoded.
    """
    image = open_image(encoded, how.max_pixels)
    try:
        image = _flat(ImageOps.exif_transpose(image), "L" if how.channels == 1 else "RGB")
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise BadImage(" ".join(str(error).split()) or "cannot be decoded") from None
    size = (how.side, how.side)
    if how.fit == "crop":
        image = ImageOps.fit(image, size, Image.Resampling.LANCZOS) if image.size != size else image
    else:
        image = ImageOps.pad(image, size, Image.Resampling.LANCZOS) if image.size != size else image
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[:, :, None] if how.channels == 1 else pixels


def _flat(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        # Deeper than eight bits: scaled by the type's range, as Pillow's own conversion clips it.
        deep = np.asarray(image, dtype=np.float64)
        scaled = deep / 256.0 if image.mode.startswith("I") else deep
        image = Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        image = Image.alpha_composite(white, seen)
    return image.convert(mode)


def read_head(path: Path) -> bytes:
    """A file's bytes, and of one that is too large to be an image only enough to tell."""
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)
