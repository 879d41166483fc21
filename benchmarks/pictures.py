"""Generators that cost next to nothing, so that encoding or writing bounds; and Pillow's files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from synthgen.generators.generator import Generator
from synthgen.spec.image import ImageSpec


class Photographs:
    """Cut-outs of two photographs (scikit-learn's ``china.jpg`` and ``flower.jpg``), mirrored or
    not: the texture that encoders meet in real images, for the price of a copy. In memory they lie
    channels last, as what the bundled generators give."""

    def __init__(self, side: int) -> None:
        from sklearn.datasets import load_sample_images

        self.image = ImageSpec(side, side, 3)
        pixels = torch.from_numpy(np.stack(load_sample_images().images))
        views = torch.cat([pixels, pixels.flip(1), pixels.flip(2), pixels.flip(1, 2)])
        self._views = views.float() / 127.5 - 1

    def candidates(
        self, labels: np.ndarray, shards: np.ndarray, candidates: np.ndarray, **_: Any
    ) -> dict[str, Tensor]:
        """``float [N, 3, side, side]`` in [-1, 1], a function of shard, class and candidate."""
        side = self.image.height
        views, height, width, _ = self._views.shape
        places = np.random.default_rng(0).integers(0, 2**31, 4)
        mixed = (shards * 7919 + labels * 104_729 + candidates)[:, None] * places % 1_000_003
        parts = [
            self._views[a % views, b % (height - side) :, c % (width - side) :][:side, :side]
            for a, b, c, _ in mixed.tolist()
        ]
        return {"image": torch.stack(parts).permute(0, 3, 1, 2)}


@contextmanager
def in_place_of(generator: Generator, painter: Photographs) -> Iterator[None]:
    """Within the block ``generator`` gives the painter's pictures, and has no classifier."""

    def candidates(self: Generator, *numbers: np.ndarray, **_: Any) -> dict[str, Tensor]:
        return painter.candidates(*numbers)

    with (
        mock.patch.object(Generator, "candidates", candidates),
        mock.patch.object(Generator, "image", painter.image),
        mock.patch.object(generator, "classifier", None),
    ):
        yield


def pillow_png(images: np.ndarray) -> list[bytes]:
    """Pillow's PNG files of ``uint8 [N, H, W, 3]``, as ``Image.save`` writes them by itself."""
    files = []
    for pixels in images:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        files.append(buffer.getvalue())
    return files
