"""Canonical preprocessing: what brings one set of images into the frame of another without any
learning. Only sets with a plain background have such a frame; others are left as they are.

The target is never changed, so nothing has to be undone on images that a model will meet.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from synthgen.data.splits import evenly

LOOKED_AT = 1000
"""Images of a set that its frame is measured on, at most."""
NEAR = 40
"""Grey levels about an image's own border level that are its background."""
STANDS_OUT = 56
"""Grey levels from the background at which content begins."""
PLAIN, ALIKE = 0.6, 40.0
"""Share of an image's border that is background, and deviation of that level over the images, up to
which a set's background is plain."""
OPPOSITE = 128
"""Grey levels between two backgrounds from which on one set is the other's negative."""
LARGER = 0.08
"""Difference of the content's share of the side from which on content is brought to one size."""


@dataclass(frozen=True)
class Frame:
    """What is the same in most images of a set."""

    plain: bool
    """Whether content stands on an even background."""
    background: float
    """Its grey level, 0 to 255."""
    content: float
    """The longer side of the content as a share of the image's, in the median."""


def frame_of(images: np.ndarray) -> Frame:
    """The frame of images ``uint8 [N, H, W, C]``."""
    grey = images[evenly(len(images), LOOKED_AT)].mean(axis=3)  # float64 [n, H, W]
    levels = _levels(grey)
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1]], axis=1)
    share = (np.abs(border - levels[:, None]) <= NEAR).mean(axis=1)
    plain = bool(np.median(share) >= PLAIN and levels.std() <= ALIKE)
    sides = [_longest(box) for box in _boxes(grey, levels)]
    return Frame(plain, float(np.median(levels)), float(np.median(sides)) / max(grey.shape[1:]))


def _levels(grey: np.ndarray) -> np.ndarray:
    """Each image's background: the median of its corners and border, ``float64 [N]``."""
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1)
    found: np.ndarray = np.median(border, axis=1)
    return found


Box = tuple[int, int, int, int]
"""Top, left, bottom and right, the last two outside."""


def _boxes(grey: np.ndarray, levels: np.ndarray) -> list[Box]:
    """Where each image's content lies; the whole image where nothing stands out."""
    found = []
    for image, level in zip(grey, levels, strict=True):
        there = np.abs(image - level) > STANDS_OUT
        rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
        if not len(rows):
            found.append((0, 0, *image.shape))
            continue
        found.append((int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1))
    return found


def _longest(box: Box) -> int:
    top, left, bottom, right = box
    return max(bottom - top, right - left)


@dataclass(frozen=True)
class Canonical:
    """What is done to the source's images."""

    invert: bool = False
    content: float | None = None
    """The share of the side to which the content's longer side is brought; ``None``: as it is."""

    def apply(self, images: np.ndarray) -> np.ndarray:
        """``uint8 [N, H, W, C]`` in the target's frame, of the same shape."""
        done = 255 - images if self.invert else np.array(images)
        if self.content is None:
            return done
        grey = done.mean(axis=3)
        levels = _levels(grey)
        boxes = _boxes(grey, levels)
        fitted = [_fitted(image, box, self.content) for image, box in zip(done, boxes, strict=True)]
        return np.stack(fitted)

    def lines(self) -> list[str]:
        """What is done, for people."""
        told = ["the source's images are inverted"] if self.invert else []
        if self.content is not None:
            told.append(
                "the source's images are cropped to what they show, which then fills "
                f"{self.content:.0%} of the side"
            )
        return told

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def _fitted(image: np.ndarray, box: Box, content: float) -> np.ndarray:
    """The content in the middle of an even background, its longer side of this share."""
    height, width, channels = image.shape
    top, left, bottom, right = box
    scale = content * max(height, width) / _longest(box)
    size = [max(1, round(side * scale)) for side in (bottom - top, right - left)]
    size = [min(size[0], height), min(size[1], width)]
    cut = image[top:bottom, left:right]
    shown = Image.fromarray(cut[:, :, 0] if channels == 1 else cut)
    drawn = np.asarray(shown.resize((size[1], size[0]), Image.Resampling.BICUBIC))
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])  # [n, C]
    whole = np.empty_like(image)
    whole[:] = np.median(border, axis=0).astype(np.uint8)
    down, over = (height - size[0]) // 2, (width - size[1]) // 2
    whole[down : down + size[0], over : over + size[1]] = drawn.reshape(*size, channels)
    return whole


def needed(source: Frame, target: Frame) -> Canonical:
    """What brings the source into the target's frame: nothing unless both backgrounds are plain."""
    if not (source.plain and target.plain):
        return Canonical()
    invert = abs(source.background - target.background) >= OPPOSITE
    differs = abs(source.content - target.content) > LARGER
    return Canonical(invert, round(target.content, 3) if differs else None)
