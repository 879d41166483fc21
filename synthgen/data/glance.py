"""What can be told of real images from a few of them, before all are decoded."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from synthgen.data.cache import choose_rows
from synthgen.data.decode import (
    UNSCALED,
    BadImage,
    Decoding,
    Look,
    decode,
    deep_range,
    look_at,
    open_image,
)
from synthgen.data.scaling import NoRule, Ranges, Scaling, scaling_for
from synthgen.data.sources import Source, open_source
from synthgen.data.splits import evenly
from synthgen.data.understood import Column
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
    pixels: int
    """Width times height, the median of those that were looked at."""
    channels: int
    """1 or 3: as the settings say, else 1 only where all that were looked at are grey."""
    encoded: tuple[bytes, ...]
    encoded_labels: np.ndarray
    """``int64 [n]``, of ``encoded``."""
    columns: tuple[Column, ...] = ()
    """What the data have beside the images."""
    scaling: Scaling = UNSCALED
    """A rule for images deeper than eight bits that holds for those that were looked at."""

    def image(self, most: int) -> ImageSpec:
        """The square that the images become, with a side of ``most`` pixels at most."""
        side = min(most, self.short_side)
        return ImageSpec(side, side, self.channels)

    def images(self, side: int, settings: DataSettings) -> np.ndarray:
        """The images that were looked at, ``uint8 [n, side, side, channels]``."""
        how = Decoding(side, self.channels, settings.fit, settings.max_pixels, self.scaling)
        return np.stack([decode(one, how) for one in self.encoded])


def glance(settings: DataSettings, source: Source | None = None) -> Glance:
    """Classes, labels and a few images of the source that ``settings`` name; ``source`` is that
    one, if it is open already.

    Images that cannot be read are passed over: reading all of them says what is wrong.

    Raises:
        SynthgenError: the source or its labels cannot be used, or none of the images looked at.
    """
    source = source or open_source(settings, settings.split)
    classes, rows, labels = choose_rows(source, settings)
    places = [int(place) for place in evenly(len(rows), LOOKED_AT)]
    read = list(source.encoded([int(rows[place]) for place in places]))
    scaling = _scaling([one for one, _ in read if isinstance(one, bytes)], settings)
    how = Decoding(4, 1, "crop", settings.max_pixels, scaling)
    looks: list[Look] = []
    encoded: list[bytes] = []
    known: list[int] = []
    faults: list[str] = []
    for place, (one, where) in zip(places, read, strict=True):
        try:
            if isinstance(one, BadImage):
                raise one
            look = look_at(open_image(one, settings.max_pixels, where))
            decode(one, how)
        except BadImage as error:
            faults.append(f"{where}: {error}")
            continue
        looks.append(look)
        encoded.append(one)
        known.append(int(labels[place]))
    if not encoded:
        raise SynthgenError(
            f"{faults[0]} ({source.name}: none of {len(places)} images that were looked at can be "
            "read)"
        )
    grey = settings.color == "grey" or (settings.color == "auto" and all(x.grey for x in looks))
    sides = [min(look.width, look.height) for look in looks]
    areas = [look.width * look.height for look in looks]
    return Glance(
        name=source.name,
        classes=classes,
        labels=labels,
        short_side=int(np.median(sides)),
        pixels=int(np.median(areas)),
        channels=1 if grey else 3,
        encoded=tuple(encoded),
        encoded_labels=np.asarray(known, dtype=np.int64),
        columns=source.understood.columns,
        scaling=scaling,
    )


def _scaling(encoded: list[bytes], settings: DataSettings) -> Scaling:
    """A rule for the few deep images that were looked at: good for timing, not for training."""
    found = Ranges()
    for one in encoded:
        with suppress(BadImage):
            found |= deep_range(one, settings.max_pixels)
    try:
        return scaling_for(found, settings.pixel_range)
    except NoRule:
        # Decoding all of them says so, and knows the range of all.
        both = found.whole | found.floating
        return scaling_for(found, (both.low, max(both.high, both.low + 1)))
