"""PNG files of small batches of images, fast: one filter for all rows, libdeflate for the rest.

The format: PNG specification, third edition, W3C 2025. Every row has filter 3 ("Average",
section 9.2), which takes a few passes over whole batches and on photographs comes near the choice
of the best filter for every row that encoders usually make; libdeflate's level 1 deflates at over
twice the rate of zlib's fastest level, and its bytes depend on the pixels alone. igzip is faster
still on large images, but now and then it gives other bytes for the same pixels.
"""

from __future__ import annotations

import struct

import deflate
import numpy as np

AVERAGE = 3
LEVEL = 1
"""Of libdeflate: the fastest."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2
END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def encode_png(images: np.ndarray) -> list[bytes]:
    """PNG files of ``uint8 [N, H, W, C]``, C 1 (grey) or 3 (RGB)."""
    _, height, width, channels = images.shape
    colour = GREY if channels == 1 else RGB
    header = SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    return [
        b"".join((header, _chunk(b"IDAT", deflate.zlib_compress(lines, LEVEL)), END))
        for lines in filtered(images)
    ]


def filtered(images: np.ndarray) -> np.ndarray:
    """``uint8 [N, H, W, C]`` to lines ``uint8 [N, H, 1 + W * C]``: the filter, then differences.

    A value is stored as its difference, modulo 256, from the mean of the value to the left and the
    one above, rounded down; those outside the image count as 0.
    """
    count, height, width, channels = images.shape
    rows = images.reshape(count, height, width * channels)
    lines = np.empty((count, height, 1 + width * channels), dtype=np.uint8)
    lines[:, :, 0] = AVERAGE
    left = np.zeros_like(rows)
    left[:, :, channels:] = rows[:, :, :-channels]
    above = np.zeros_like(rows)
    above[:, 1:] = rows[:, :-1]
    # The mean of two bytes without a carry: what they share, and half of what they do not.
    mean: np.ndarray = left ^ above
    np.right_shift(mean, 1, out=mean)
    left &= above
    mean += left
    np.subtract(rows, mean, out=lines[:, :, 1:])
    return lines


def _chunk(kind: bytes, content: bytes | bytearray) -> bytes:
    checksum = deflate.crc32(content, deflate.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
