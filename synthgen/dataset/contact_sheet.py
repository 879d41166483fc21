"""The contact sheet: random images of every class, chosen by nobody."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

COLUMNS = 12
MOST_CLASSES = 40
SMALLEST = 56
"""Images are enlarged by a whole factor until at least this many pixels high."""


def contact_sheet(images: Mapping[str, np.ndarray]) -> Image.Image:
    """One row a class: its name, then its images ``uint8 [n, H, W, C]``, at most 12 of 40
    classes."""
    shown = {name: batch[:COLUMNS] for name, batch in list(images.items())[:MOST_CLASSES]}
    _, height, width, _ = next(iter(shown.values())).shape
    factor = max(1, -(-SMALLEST // height))
    cell, font = (width * factor + 4, height * factor + 4), ImageFont.load_default(14)
    margin = 16 + max(int(font.getlength(_shorten(name))) for name in shown)
    columns = max(len(batch) for batch in shown.values())
    sheet = Image.new("RGB", (margin + columns * cell[0], len(shown) * cell[1]), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (name, batch) in enumerate(shown.items()):
        top = row * cell[1]
        draw.text((8, top + cell[1] // 2 - 8), _shorten(name), fill="black", font=font)
        for column, pixels in enumerate(batch):
            picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
            picture = picture.convert("RGB").resize(
                (width * factor, height * factor), Image.Resampling.NEAREST
            )
            sheet.paste(picture, (margin + column * cell[0], top + 2))
    return sheet


def _shorten(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"
