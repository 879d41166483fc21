"""Encoded images to squares of uint8 pixels: one, and many in threads."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

GREY_MODES = {"1", "L", "LA", "La", "I", "F"}

CHUNK_IMAGES = 64
CHUNK_BYTES = 16_000_000
"""One task of a thread: at most so many images, and no further image after so many bytes."""

THREADS = min(16, os.cpu_count() or 1)


class BadImage(Exception):
    """An image that cannot be used; the text is the reason, without its path."""


Item = tuple[bytes | BadImage, str]
"""The bytes of an image file, or why they cannot be had; and where they come from."""


@dataclass(frozen=True)
class Decoding:
    """How images become arrays ``uint8 [side, side, channels]``."""

    side: int
    channels: int
    fit: Literal["crop", "pad"]
    max_pixels: int


@dataclass(frozen=True)
class Decoded:
    """``pixels`` are ``uint8 [side, side, channels]``; ``grey`` is what the file was; ``digest`` is
    the SHA-256 of its bytes."""

    pixels: np.ndarray
    grey: bool
    digest: bytes


def open_image(encoded: bytes, max_pixels: int) -> Image.Image:
    """The image, its header read and its size checked before any pixel is decoded.

    Raises:
        BadImage: not an image, or more than ``max_pixels`` pixels.
    """
    if not encoded:
        raise BadImage("empty file")
    try:
        image = Image.open(io.BytesIO(encoded))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(f"decompression bomb: {_line(error)}") from None
    except UnidentifiedImageError:
        raise BadImage("not an image, or cut off before its header ends") from None
    except Exception as error:  # whatever a decoder trips over, the file is what is wrong
        raise BadImage(_line(error)) from None
    if image.width * image.height > max_pixels:
        raise BadImage(
            f"decompression bomb: {image.width}x{image.height} is more than {max_pixels:,} pixels "
            "(max_pixels)"
        )
    return image


def is_grey(image: Image.Image) -> bool:
    """Whether the image has no color by its mode; a palette counts as color."""
    return image.mode in GREY_MODES or image.mode.startswith("I;16")


def decode(encoded: bytes, how: Decoding) -> Decoded:
    """One image as the square that ``how`` describes.

    The EXIF orientation is applied; transparency is laid on white; 16-bit grey keeps its upper
    eight bits; of an animation the first frame is taken. An oblong image is made square by cutting
    off both ends (crop) or by black bars (pad), and resized with a Lanczos filter.

    Raises:
        BadImage: the image cannot be decoded.
    """
    image = open_image(encoded, how.max_pixels)
    grey = is_grey(image)
    try:
        # A JPEG is decoded at 1/2, 1/4 or 1/8 where that leaves twice the wanted side or more:
        # many times faster for photographs, and the filter below still has pixels to average.
        image.draft(None, (2 * how.side, 2 * how.side))
        image = _flat(ImageOps.exif_transpose(image), "L" if how.channels == 1 else "RGB")
        size = (how.side, how.side)
        if image.size != size:
            square = ImageOps.fit if how.fit == "crop" else ImageOps.pad
            image = square(image, size, Image.Resampling.LANCZOS)
    except BadImage:
        raise
    except Exception as error:  # whatever a decoder trips over, the file is what is wrong
        raise BadImage(_line(error)) from None
    pixels = np.array(image, dtype=np.uint8).reshape(how.side, how.side, how.channels)
    return Decoded(pixels, grey, hashlib.sha256(encoded).digest())


def _flat(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        deep = np.asarray(image)
        if image.mode == "F" or deep.min() < 0 or deep.max() > 65_535:
            raise BadImage("32-bit pixels have no fixed range; save the image with 8 or 16 bits")
        image = Image.fromarray((deep // 256).astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    return image.convert(mode)


def decode_all(items: Iterable[Item], how: Decoding) -> Iterator[tuple[Decoded | BadImage, str]]:
    """Every image decoded, in the order given; threads run a bounded number of chunks ahead."""

    def run(chunk: list[Item]) -> list[tuple[Decoded | BadImage, str]]:
        return [(_outcome(encoded, how), where) for encoded, where in chunk]

    with ThreadPoolExecutor(THREADS) as pool:
        ahead: deque[Future[list[tuple[Decoded | BadImage, str]]]] = deque()
        for chunk in _chunks(items):
            ahead.append(pool.submit(run, chunk))
            if len(ahead) > 2 * THREADS:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()


def _outcome(encoded: bytes | BadImage, how: Decoding) -> Decoded | BadImage:
    if isinstance(encoded, BadImage):
        return encoded
    try:
        return decode(encoded, how)
    except BadImage as error:
        return error


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += len(item[0]) if isinstance(item[0], bytes) else 0
        if len(chunk) == CHUNK_IMAGES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
