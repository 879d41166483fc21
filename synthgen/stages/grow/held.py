"""Labelled images to test on: what was read of them, and what of that was seen before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData, choose_rows, load_images
from synthgen.data.sources import open_source
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.judging.pixel_hashes import hashes_of


@dataclass(frozen=True)
class Held:
    """Test images of the classes that are learnt."""

    data: ImageData
    unnamed: int
    """Images that were left out: no label names their class."""

    def lines(self) -> list[str]:
        """How many there are, and how many were left out, for a terminal."""
        count = len(self.data.labels)
        if not self.unnamed:
            return [f"test: {self.data.name}, {count:,} images"]
        whole = count + self.unnamed
        return [
            f"test: {self.data.name}, {count:,} of {whole:,} images; {self.unnamed:,} of classes "
            "that no label names are left out: the accuracy says nothing of them"
        ]

    def among(self, others: np.ndarray) -> int:
        """How many of them are among ``others``, ``uint8 [M, H, W, C]``, to the pixel."""
        return int(np.isin(hashes_of(self.data.images), hashes_of(others)).sum())


def load_held(values: Mapping[str, Any], classes: tuple[str, ...]) -> Held:
    """The test images that ``values`` (of :class:`DataSettings`) name, of ``classes`` alone.

    Raises:
        SynthgenError: they cannot be read, or lack a class.
    """
    asked = DataSettings.parse({**values, "classes": classes, "min_per_class": 1})
    source = open_source(asked, asked.split)
    _, rows, _ = choose_rows(source, asked)
    return Held(load_images(asked, source=source), len(source.labels) - len(rows))


def seen_before(count: int, where: str) -> list[str]:
    """A warning, where ``count`` test images are images of another set too."""
    if not count:
        return []
    return [
        f"warning: {count:,} test images are in the {where}: the accuracy on them says too much"
    ]
