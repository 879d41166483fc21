"""What can be told of real images from a few of them, before all are decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from synthgen.data.cache import choose_rows
from synthgen.data.decode import BadImage, Decoding, decode, is_grey, open_image
from synthgen.data.sources import open_source
from synthgen.data.splits import evenly
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings

LOOKED_AT = 32
"""Images whose size is read."""


@dataclass(frozen=True)
class Glance:
    """The labels of all images, and some of the images in encoded form."""

    name: str
    classes: tuple[str, ...]
    labels: np.ndarray
    """``int64 [N]``, of every image that would be used."""
    short_side: int
    """Median over the images that were looked at, in pixels."""
    channels: int
    """1 or 3: as the settings say, else 1 only where all that were looked at are grey."""
    encoded: tuple[bytes, ...]
    encoded_labels: np.ndarray
    """``int64 [n]``, of ``encoded``."""

    def image(self, most: int) -> ImageSpec:
        """The square that the images become, with a side of ``most`` pixels at most."""
        side = min(most, self.short_side)
        return ImageSpec(side, side, self.channels)

    def images(self, side: int, settings: DataSettings) -> np.ndarray:
        """The images that were looked at, ``uint8 [n, side, side, channels]``."""
        how = Decoding(side, self.channels, settings.fit, settings.max_pixels)
        return np.stack([decode(one, how) for one in self.encoded])


def glance(settings: DataSettings) -> Glance:
    """Classes, labels and a few images of the source that ``settings`` name.

    Images that cannot be read are passed over: reading all of them says what is wrong.

    Raises:
        SynthgenError: the source or its labels cannot be used, or none of the images looked at.
    """
    source = open_source(settings, settings.split)
    classes, rows, labels = choose_rows(source, settings)
    places = [int(place) for place in evenly(len(rows), LOOKED_AT)]
    sides, greys, encoded, known = [], [], [], []
    read = source.encoded([int(rows[place]) for place in places])
    for place, (one, image_size, grey) in zip(places, _readable(read, settings), strict=True):
        if image_size is None:
            continue
        sides.append(image_size)
        greys.append(grey)
        encoded.append(one)
        known.append(int(labels[place]))
    if not encoded:
        raise SynthgenError(
            f"{source.name}: none of {len(places)} images that were looked at can be read"
        )
    grey = settings.color == "grey" or (settings.color == "auto" and all(greys))
    return Glance(
        source.name, classes, labels, int(np.median(sides)), 1 if grey else 3, tuple(encoded),
        np.asarray(known, dtype=np.int64),
    )  # fmt: skip


def _readable(
    read: Iterator[tuple[bytes, str]], settings: DataSettings
) -> Iterator[tuple[bytes, int | None, bool]]:
    """The bytes, the shorter side (``None`` if it is no image) and whether it is grey."""
    how = Decoding(4, 1, "crop", settings.max_pixels)
    for one, _ in read:
        try:
            image = open_image(one, settings.max_pixels)
            decode(one, how)
            yield one, min(image.size), is_grey(image)
        except BadImage:
            yield one, None, False
