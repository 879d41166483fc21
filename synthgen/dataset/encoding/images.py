"""Pixels to the bytes of an image file and back."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from synthgen.data.decode import BROKEN
from synthgen.dataset.encoding.png import encode_png
from synthgen.spec.image import ImageSpec

WEBP_EFFORT = {"method": 0, "quality": 0}
"""A tenth of the time of method 2, for files a few hundredths larger."""
JPEG_QUALITY = 95

FILTERED_TOGETHER = 2**18
"""Bytes of images that go through the PNG filter at a time: with its four copies they fit a core's
own cache (a megabyte)."""

FORMATS = ("PNG", "WEBP", "JPEG")

BYTES_PER_PIXEL = {"png": 0.85, "webp": 0.7, "jpeg": 0.45}
"""About what a value of a photograph-like image takes; for planning only."""


def encode(images: np.ndarray, image_format: str) -> list[bytes]:
    """Encode ``uint8 [N, H, W, C]``, C 1 or 3, as ``png``, ``webp`` (both lossless) or ``jpeg``."""
    if image_format == "png":
        together = max(1, FILTERED_TOGETHER // max(1, images[:1].size))
        parts = range(0, len(images), together)
        return [file for at in parts for file in encode_png(images[at : at + together])]
    return [
        _encode_one(image[:, :, 0] if image.shape[2] == 1 else image, image_format)
        for image in images
    ]


def _encode_one(pixels: np.ndarray, image_format: str) -> bytes:
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    if image_format == "webp":
        image.save(buffer, "WEBP", lossless=True, **WEBP_EFFORT)
    elif image_format == "jpeg":
        image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    else:
        raise ValueError(f"image format '{image_format}': use png, webp or jpeg")
    return buffer.getvalue()


def decode(encoded: bytes, image: ImageSpec) -> np.ndarray:
    """Pixels ``uint8 [H, W, C]`` of an encoded image.

    Raises:
        ValueError: it cannot be decoded, or its size is not the one expected. WebP has no grey
        mode;
            its grey images are brought back to one channel.
    """
    try:
        opened = Image.open(io.BytesIO(encoded), formats=FORMATS)
        if opened.size != (image.width, image.height):
            raise ValueError(f"is {opened.width}x{opened.height}, not {image}")
        if opened.mode != image.mode and not (opened.format == "WEBP" and opened.mode == "RGB"):
            raise ValueError(f"is of mode {opened.mode}, not {image.mode}")
        pixels = np.asarray(opened.convert(image.mode))
    except ValueError:
        raise
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise ValueError(" ".join(str(error).split()) or "cannot be decoded") from None
    return pixels[:, :, None] if image.channels == 1 else pixels


def estimated_bytes(image: ImageSpec, image_format: str) -> float:
    """Roughly what one image and its row take in a shard."""
    values = image.height * image.width * image.channels
    return 150 + values * BYTES_PER_PIXEL[image_format]
