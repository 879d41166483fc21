"""A sheet of samples: one row of images per class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from synthgen.storage.whole import written_whole


def save_grid(images: np.ndarray, columns: int, path: Path, smallest: int = 48) -> None:
    """Write ``uint8 [N, H, W, C]`` as a PNG with ``columns`` images a row, row by row.

    Small images are enlarged by a whole factor until ``smallest`` pixels high, pixels kept sharp.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, height, width, channels), dtype=np.uint8)
    sheet[:count] = images
    sheet = sheet.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    factor = max(1, -(-smallest // height))
    picture = Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet)
    picture = picture.resize(
        (picture.width * factor, picture.height * factor), Image.Resampling.NEAREST
    )
    with written_whole(path) as beside:
        picture.save(beside, format="PNG")
