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
from PIL.ImageFile import ImageFile

from synthgen.data.deep import GREY_AND_ALPHA, Deep, NotExact, deep_of, is_deep, rawmode_of
from synthgen.data.formats import unread_format
from synthgen.data.scaling import Ranges, Scaling, range_of

GREY_MODES = {"1", "L", "LA", "F"}


Image.init()
COMMON = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")
FORMATS = tuple(name for name in COMMON if name in Image.OPEN)
"""Formats that are read. Pillow knows dozens more; one of them starts another program."""

LARGEST_FILE = 512 * 2**20
"""Bytes of an image file that is looked at."""


BROKEN = (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError, TypeError,
          IndexError, KeyError, struct.error, zlib.error)  # fmt: skip
"""What Pillow's readers raise at files made to confuse them."""

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What brings an image of this EXIF orientation upright."""

FEW_BITS = {"L;2": 85, "L;4": 17, "1": 255}
"""Factor by which Pillow spreads the values of such pixels, but not the transparent value."""


UNSCALED = Scaling()


class BadImage(Exception):
    """An image that cannot be used; the text is the reason, without its path."""


class NeedsScaling(BadImage):
    """An image deeper than eight bits, for which no rule has been found yet."""


@dataclass(frozen=True)
class Decoding:
    """How images become arrays ``uint8 [side, side, channels]``."""

    side: int
    channels: int
    fit: Literal["crop", "pad"]
    max_pixels: int
    scaling: Scaling = UNSCALED
    """The rules for images deeper than eight bits."""


@dataclass(frozen=True)
class Look:
    """What an image file is, before it is brought to size."""

    width: int
    """Of the image as it is shown, turned as its EXIF orientation says."""
    height: int
    mode: str
    """Pillow's name of the mode."""
    grey: bool
    """Whether the image has no colour by its mode; a palette counts as colour."""


def open_image(encoded: bytes, max_pixels: int, name: str = "") -> ImageFile:
    """The image, its header read and its size checked before any pixel is decoded. Of several
    frames or pages it stands at the first.

    ``name`` is the file's, where it has one: some formats are told by their ending only.

    Raises:
        BadImage: not an image, of a format that is not read, or more than ``max_pixels`` pixels.
    """
    if len(encoded) > LARGEST_FILE:
        raise BadImage(f"larger than {LARGEST_FILE / 2**20:,.0f} MB")
    unread = unread_format(encoded, name)
    if unread is not None:
        raise BadImage(unread)
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
        raise BadImage(
            f"not an image, or cut off before its header ends (read are {', '.join(FORMATS)})"
            if encoded else "is empty: 0 bytes"
        ) from None  # fmt: skip
    except BROKEN as error:
        raise BadImage(" ".join(str(error).split()) or "cannot be read") from None
    if image.width * image.height > max_pixels:
        raise BadImage(
            f"decompression bomb: {image.width}x{image.height} is more than {max_pixels:,} pixels "
            "(max_pixels)"
        )
    return image


def look_at(image: ImageFile) -> Look:
    """Size and mode of an opened image."""
    grey = image.mode in GREY_MODES or image.mode.startswith("I")
    grey = grey or rawmode_of(image) == GREY_AND_ALPHA
    width, height = image.size
    if _lies_down(image):
        width, height = height, width
    return Look(width, height, image.mode, grey)


def _lies_down(image: ImageFile) -> bool:
    """Whether the EXIF orientation changes width and height."""
    if image.format == "PNG" and "exif" not in image.info:
        return False  # where it may follow yet, after the pixels, Pillow would decode them all
    try:
        return image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    except BROKEN:
        return False  # decoding says what is wrong


def is_grey(image: ImageFile) -> bool:
    """Whether the image has no colour by its mode; a palette counts as colour."""
    return look_at(image).grey


def deep_range(encoded: bytes, max_pixels: int) -> Ranges:
    """The range of an image's values, if it is deeper than eight bits; else an empty one.

    Raises:
        BadImage: it cannot be decoded.
    """
    image = open_image(encoded, max_pixels)
    if not is_deep(image):
        return Ranges()
    try:
        return range_of(_deep(encoded, image, max_pixels).values)
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise BadImage(" ".join(str(error).split()) or "cannot be decoded") from None


def decode(encoded: bytes, how: Decoding) -> np.ndarray:
    """Pixels ``uint8 [side, side, channels]``.

    Values deeper than eight bits are scaled by ``how.scaling``; the EXIF orientation is applied;
    transparency is laid on white; a shorter or longer side is made square by cutting the longer one
    (crop) or filling with black (pad); then the square is resized, with a Lanczos filter.

    Raises:
        NeedsScaling: the image is deep, and ``how`` has no rule for such images.
        BadImage: the image cannot be decoded.
    """
    image, mode = open_image(encoded, how.max_pixels), "L" if how.channels == 1 else "RGB"
    upright: Image.Image
    try:
        if is_deep(image):
            scaled = _scaled(_deep(encoded, image, how.max_pixels), how.scaling)
            turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
            upright = (scaled.transpose(turn) if turn is not None else scaled).convert(mode)
        else:
            upright = _flat(ImageOps.exif_transpose(_mended(image)), mode)
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise BadImage(" ".join(str(error).split()) or "cannot be decoded") from None
    size = (how.side, how.side)
    if upright.size != size and how.fit == "crop":
        upright = ImageOps.fit(upright, size, Image.Resampling.LANCZOS)
    elif upright.size != size:
        upright = _padded(upright, how.side)
    pixels = np.asarray(upright, dtype=np.uint8)
    return pixels[:, :, None] if how.channels == 1 else pixels


def _padded(image: Image.Image, side: int) -> Image.Image:
    """The whole image in the middle of a black square; of a long strip at least one row is left."""
    longer = max(image.size)
    width, height = (max(1, round(each * side / longer)) for each in image.size)
    square = Image.new(image.mode, (side, side))
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    square.paste(small, (round((side - width) * 0.5), round((side - height) * 0.5)))
    return square


def _deep(encoded: bytes, image: ImageFile, max_pixels: int) -> Deep:
    try:
        return deep_of(image, open_image(encoded, max_pixels))
    except NotExact as error:
        raise BadImage(f"{error}, which is not read; save it with 8 bits a channel") from None


def _scaled(deep: Deep, scaling: Scaling) -> Image.Image:
    """Deep values in eight bits, transparency laid on white.

    Raises:
        NeedsScaling: there is no rule for them.
        ValueError: a value is outside of the rule's range.
    """
    rule = scaling.floating if deep.values.dtype.kind == "f" else scaling.whole
    if deep.values.dtype.kind == "f" and not np.isfinite(deep.values).all():
        raise ValueError("has pixels that are infinite or not a number")
    if rule is None:
        raise NeedsScaling("is deeper than eight bits, where no other image is")
    levels = scaling.of(deep.values)
    if deep.white_is_zero:
        levels = 255 - levels
    if deep.opacity is not None:
        seen = deep.opacity if levels.ndim == 2 else deep.opacity[..., None]
        levels = np.rint(levels * seen + 255.0 * (1.0 - seen)).astype(np.uint8)
    return Image.fromarray(levels)


def _mended(image: ImageFile) -> ImageFile:
    """The image with its transparent value on the scale of its pixels."""
    key = image.info.get("transparency")
    raw = image.tile[0].args if image.tile else None
    if isinstance(key, int) and image.mode in ("1", "L") and isinstance(raw, str):
        image.info["transparency"] = key * FEW_BITS.get(raw, 1)
    return image


def _flat(image: Image.Image, mode: str) -> Image.Image:
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        image = Image.alpha_composite(white, seen)
    return image.convert(mode)


def read_head(path: Path) -> bytes:
    """A file's bytes, and of one that is too large to be an image only enough to tell."""
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)
