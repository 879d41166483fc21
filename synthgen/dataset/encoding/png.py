"""PNG files of small batches of images, fast: one filter for all rows, and the way to deflate them
that suits the image.

The format: PNG specification, third edition, W3C 2025. Every row has filter 3 ("Average",
section 9.2), which takes a few passes over whole batches and on photographs comes near the choice
of the best filter for every row that encoders usually make. In what it leaves of a large photograph
nothing repeats: Huffman codes alone (RFC 1951, section 3.2.7; zlib-ng) are half as fast again as
looking for repeats, and take no more room. Small images and flat ones, which do repeat themselves,
go to libdeflate's level 1. Of both the bytes depend on the pixels alone; those of igzip, which is
faster still, now and then do not.
"""

from __future__ import annotations

import struct

import deflate
import numpy as np
from zlib_ng import zlib_ng

AVERAGE = 3
LEVEL = 1
"""Of either library: the fastest."""
LARGE = 2**15
"""Bytes of an image; zlib-ng takes longer to begin one than it saves on fewer."""
FLAT = 0.375
"""Share of differences that are 0, from which Huffman codes alone take a tenth more room."""
LOOKED_AT = 8
"""One row in so many is counted."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2
END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def encode_png(images: np.ndarray) -> list[bytes]:
    """PNG files of ``uint8 [N, H, W, C]``, C 1 (grey) or 3 (RGB)."""
    _, height, width, channels = images.shape
    colour = GREY if channels == 1 else RGB
    sizes = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    header = b"".join((SIGNATURE, *_chunk(b"IHDR", sizes)))
    return [
        b"".join((header, *_chunk(b"IDAT", *_deflated(lines)), END)) for lines in filtered(images)
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


def _deflated(lines: np.ndarray) -> tuple[bytes | bytearray, ...]:
    """A zlib stream of one image's lines ``uint8 [H, 1 + W * C]``, in parts."""
    some = lines[::LOOKED_AT]
    if lines.size < LARGE or np.count_nonzero(some) < (1 - FLAT) * some.size:
        return (deflate.zlib_compress(lines, LEVEL),)
    codes = zlib_ng.compressobj(
        LEVEL, zlib_ng.DEFLATED, zlib_ng.MAX_WBITS, memLevel=9, strategy=zlib_ng.Z_HUFFMAN_ONLY
    )
    return codes.compress(lines), codes.flush()


def _chunk(kind: bytes, *parts: bytes | bytearray) -> tuple[bytes | bytearray, ...]:
    """A chunk, in parts too: they are joined once, with the rest of the file."""
    checksum = deflate.crc32(kind)
    for part in parts:
        checksum = deflate.crc32(part, checksum)
    length = struct.pack(">I", sum(map(len, parts)))
    return length, kind, *parts, struct.pack(">I", checksum)
