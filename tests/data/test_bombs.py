"""Images made to harm whoever opens them: refused in one line, in little time and memory."""

import io
import resource
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from synthgen.data import decode as room
from synthgen.data.decode import BadImage, Decoding, decode
from synthgen.dataset.encoding.images import decode as decode_stored
from synthgen.spec.image import ImageSpec

HOW = Decoding(8, 3, "crop", 1_000_000)
NOUGHTS = zlib.compress(bytes(300 * 2**20), 9)
"""300 MB of zeros in 300 kB."""


def chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, *before, data=None):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = zlib.compress(bytes((width + 1) * height)) if data is None else data
    parts = [chunk(b"IHDR", header), *before, chunk(b"IDAT", lines), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif(screen, frame, frames=1):
    """A GIF with a screen and frames of their own size; the frames' data are one colour."""
    image = Image.new("P", (8, 8))
    buffer = io.BytesIO()
    image.save(buffer, "GIF")
    content = bytearray(buffer.getvalue())
    content[6:10] = struct.pack("<HH", *screen)
    at = content.index(b"\x2c")
    content[at + 5 : at + 9] = struct.pack("<HH", *frame)
    return bytes(content[:at] + content[at:-1] * frames + b"\x3b")


def tiff(width, height):
    entries = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1),
               (273, 4, 8), (277, 3, 1), (278, 4, height), (279, 4, 2**31)]  # fmt: skip
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


BOMBS = {
    "a PNG of four thousand million pixels": png(65_000, 65_000, data=NOUGHTS),
    "a PNG of two thousand million wide": png(2**31 - 1, 1, data=NOUGHTS),
    "a PNG over our bound and under Pillow's": png(1_001, 1_000),
    "a PNG whose text unpacks to 300 MB": png(8, 8, chunk(b"zTXt", b"a\0\0" + NOUGHTS)),
    "a PNG whose other text does": png(8, 8, chunk(b"iTXt", b"a\0\1\0\0\0" + NOUGHTS)),
    "a PNG whose colour profile does": png(8, 8, chunk(b"iCCP", b"a\0\0" + NOUGHTS)),
    "a PNG with a hundred texts": png(
        8, 8, *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20)))] * 100
    ),
    "a PNG whose pixels end early": png(100, 100, data=zlib.compress(b"abc")),
    "a PNG of no width": png(0, 8, data=b""),
    "a GIF of a large screen": gif((60_000, 60_000), (8, 8)),
    "a GIF of a large frame": gif((8, 8), (60_000, 60_000)),
    "a TIFF of a large size": tiff(100_000, 100_000),
    "a TIFF that promises 2 GB": tiff(1_000, 1_000),
    "a program for a printer": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n",
    "a pickle": b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.",
    "a zip": b"PK\x03\x04" + bytes(100),
    "nothing": b"",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_one_line(name):
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadImage) as fault:
        decode(BOMBS[name], HOW)
    assert "\n" not in str(fault.value) and str(fault.value).strip()
    with pytest.raises(ValueError):
        decode_stored(BOMBS[name], ImageSpec(8, 8, 1))
    assert time.monotonic() - begin < 5
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000, "kB more than before"


def test_an_animation_of_a_million_frames_is_its_first(monkeypatch):
    begin = time.monotonic()
    assert decode(gif((8, 8), (8, 8), frames=100_000), HOW).shape == (8, 8, 3)
    assert time.monotonic() - begin < 2


def test_files_too_large_to_be_images_are_not_read(monkeypatch):
    monkeypatch.setattr(room, "LARGEST_FILE", 1_000)
    with pytest.raises(BadImage, match="larger than"):
        decode(bytes(1_001), HOW)


def test_every_kind_of_image_that_people_have_is_read():
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind)
        assert decode(buffer.getvalue(), HOW).shape == (8, 8, 3)


def test_no_other_program_is_started(tmp_path):
    """Pillow's reader of PostScript runs Ghostscript; ours never comes so far."""
    program = f"""
import subprocess, sys
def never(*rest, **more): print("started", rest)
subprocess.Popen = subprocess.check_call = never
from synthgen.data.decode import *
try: decode({BOMBS["a program for a printer"]!r}, Decoding(8, 3, "crop", 10**6))
except BadImage as fault: print("refused")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["refused"], done.stderr
