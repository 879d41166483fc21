"""Near copies of images, made to find out how near a near copy comes."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

JPEG_QUALITY = (50, 90)


def moved(images: np.ndarray, rng: np.random.Generator, most: int) -> np.ndarray:
    """``uint8 [N, H, W, C]`` moved by 1 to ``most`` pixels in a direction; borders are repeated."""
    made = np.empty_like(images)
    height, width = images.shape[1:3]
    for row, image in enumerate(images):
        down = across = 0
        while down == across == 0:
            down, across = rng.integers(-most, most + 1, 2)
        wide = np.pad(image, ((most, most), (most, most), (0, 0)), mode="edge")
        top, left = most + down, most + across
        made[row] = wide[top : top + height, left : left + width]
    return made


def recompressed(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``uint8 [N, H, W, C]`` through JPEG files of quality 50 to 90."""
    made = np.empty_like(images)
    for row, image in enumerate(images):
        buffer = io.BytesIO()
        quality = int(rng.integers(JPEG_QUALITY[0], JPEG_QUALITY[1] + 1))
        flat = image[:, :, 0] if image.shape[2] == 1 else image
        Image.fromarray(flat).save(buffer, "JPEG", quality=quality)
        decoded = np.asarray(Image.open(buffer))
        made[row] = decoded.reshape(image.shape)
    return made
