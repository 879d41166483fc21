"""Sheets of images: rows of them on one picture, with their classes' names beside or without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from synthgen.storage.whole import written_whole

COLUMNS = 12
MOST_CLASSES = 40
GAP = 4
"""Pixels between the images of a contact sheet."""


def sheet(
    lines: Sequence[np.ndarray], *, smallest: int = 48, gap: int = 0, paper: str = "black"
) -> Image.Image:
    """A picture with one row for each of ``lines``, images ``uint8 [n, H, W, C]``.

    Small images are enlarged by a whole factor until ``smallest`` pixels high, pixels kept sharp.
    ``gap`` pixels of ``paper`` lie between images, half of them above the first row.
    """
    _, height, width, channels = lines[0].shape
    factor = max(1, -(-smallest // height))
    across, down = width * factor + gap, height * factor + gap
    size = (max(map(len, lines)) * across, len(lines) * down)
    drawn = Image.new("L" if channels == 1 else "RGB", size, paper)
    for row, images in enumerate(lines):
        for column, pixels in enumerate(images):
            picture = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).resize(
                (width * factor, height * factor), Image.Resampling.NEAREST
            )
            drawn.paste(picture, (column * across, row * down + gap // 2))
    return drawn


def contact_sheet(lines: Sequence[tuple[str, np.ndarray]]) -> Image.Image:
    """A picture with one row for each of ``lines``: a name, and beside it images
    ``uint8 [n, H, W, C]``. Rows after the 40th and images after the 12th are left out."""
    names = [_shorten(name) for name, _ in lines[:MOST_CLASSES]]
    images = sheet(
        [batch[:COLUMNS] for _, batch in lines[:MOST_CLASSES]], smallest=56, gap=GAP, paper="white"
    )
    font, down = ImageFont.load_default(14), images.height // len(names)
    margin = 16 + max(int(font.getlength(name)) for name in names)
    drawn = Image.new("RGB", (margin + images.width, images.height), "white")
    drawn.paste(images, (margin, 0))
    pen = ImageDraw.Draw(drawn)
    for row, name in enumerate(names):
        pen.text((8, row * down + down // 2 - 8), name, fill="black", font=font)
    return drawn


def save_sheet(images: np.ndarray, columns: int, path: Path) -> None:
    """Write ``uint8 [N, H, W, C]`` as a PNG with ``columns`` images a row, row by row."""
    lines = [images[start : start + columns] for start in range(0, len(images), columns)]
    with written_whole(path) as beside:
        sheet(lines).save(beside, format="PNG")


def _shorten(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"
