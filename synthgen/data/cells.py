"""A row's further columns, brought to the square that its image was brought to.

The image is cropped or padded and resized (``data/decode.py``); its mask, its joints and its
partner images must go the very same way, or they say something else than the image shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from synthgen.data.decode import FEW_BITS, BadImage, Decoding, decode, look_at, open_image
from synthgen.data.deep import rawmode_of
from synthgen.data.joint_values import LEAST
from synthgen.data.mask_names import MaskNames, indices
from synthgen.data.solids import Seen
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field, Image
from synthgen.spec.maps import Keypoints, Mask
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.solids import Views
from synthgen.spec.texts import Text

LOSSY = ("JPEG", "MPO", "AVIF", "JPEG2000")
"""Forms that keep no exact values, or seldom do."""

PICTURED = (Image, Mask, Views)
"""Fields that are read from image files."""


@dataclass(frozen=True)
class Frame:
    """The image file of a row: upright, in pixels."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Cells:
    """Reads cells of the columns of one source."""

    settings: DataSettings
    names: MaskNames | None = None
    """What the values of masks mean, where that is said beside the data."""
    alone: bool = False
    """Whether a row is this column alone: there is no image that it must fit."""

    def stored(self, value: Any, field: Field, frame: Frame) -> np.ndarray:
        """The field's stored row.

        Raises:
            ValueError: the cell is none, or does not fit its image.
            BadImage: a file in it cannot be read.
        """
        if isinstance(value, dict) and isinstance(field, PICTURED):
            value = value.get("bytes")
        if isinstance(field, Mask):
            return self._mask(value, field, frame)
        if isinstance(field, Image):
            return self._image(value, field, frame)
        if isinstance(field, Text):
            return field.read(value)
        if isinstance(value, str) and value[:1] in ("[", "{"):
            try:
                value = json.loads(value)
            except RecursionError:
                raise ValueError("is nested too deep") from None
        if isinstance(field, Keypoints):
            return self._keypoints(value, field, frame)
        if isinstance(field, Views):
            if isinstance(value, bytes):
                raise ValueError(
                    "is one image: views are several of each thing; give a folder that has "
                    "views/NAME/ with the images of each, and views.csv (file_name, angle) beside "
                    "views/, or a table with lists of images and their angles"
                )
            if not isinstance(value, Seen):
                value = Seen(tuple(_files(value)), field.turns)
            value = value.pictures(field, self.settings.max_pixels)
        return field.read(value)

    @staticmethod
    def refuse_unseen(stored: np.ndarray, field: Field, where: str) -> None:
        """Nothing, unless the field is joints and none is seen in any of its ``stored`` rows.

        Raises:
            SynthgenError: so it is, ``where`` first.
        """
        if isinstance(field, Keypoints) and len(stored) and not stored[:, :, 2].any():
            raise SynthgenError(
                f"{where}: no joint is seen in any row: all are marked hidden, or lie where the "
                "crop leaves them out; mark those that are seen with 1"
            )

    def _image(self, value: Any, field: Image, frame: Frame) -> np.ndarray:
        if not isinstance(value, bytes):
            return field.read(value)
        picture = open_image(value, self.settings.max_pixels)
        own = look_at(picture)
        wide, high = own.width * frame.height, own.height * frame.width
        if not self.alone and abs(wide - high) > max(own.width, own.height, *_sides(frame)):
            raise ValueError(
                f"is {own.width}x{own.height}, and its image {frame}: a pair has one shape; crop "
                "both alike"
            )
        if field.height != field.width:
            return field.read(ImageOps.exif_transpose(picture))
        how = Decoding(field.height, field.channels, self.settings.fit, self.settings.max_pixels)
        return decode(value, how)

    def _mask(self, value: Any, field: Mask, frame: Frame) -> np.ndarray:
        told = self.names or MaskNames.of(field.names)
        pixels = np.asarray(value)
        if isinstance(value, bytes):
            pixels = _indexed(value, self.settings.max_pixels, in_colors=bool(told.colors))
        height, width = pixels.shape[:2]
        if not self.alone and (height, width) != (frame.height, frame.width):
            raise ValueError(
                f"is {width}x{height}, and its image {frame}: give each image a mask of its own "
                "size"
            )
        rows = indices(pixels, field, told)
        if self.settings.fit == "pad" and height != width and field.height == field.width:
            rows = _padded(rows, field.height)
        return field.read(rows)

    def _keypoints(self, value: Any, field: Keypoints, frame: Frame) -> np.ndarray:
        """Joints in the image's square; what is left out by a crop is not seen, and neither is a
        joint of which both numbers are below the image's border."""
        row = field.read(value)
        row[:, 2] *= (row[:, :2] >= LEAST).any(axis=1)
        seen = row[:, 2] > 0
        _refuse_outside(row[seen], [n for n, s in zip(field.names, seen, strict=True) if s], frame)
        down, right = (
            _squared(row[:, axis], own, other, size, self.settings.fit)
            for axis, own, other, size in (
                (1, frame.height, frame.width, field.height),
                (0, frame.width, frame.height, field.width),
            )
        )
        inside = (down >= LEAST) & (right >= LEAST)
        inside &= (down <= field.height + LEAST) & (right <= field.width + LEAST)
        return np.stack([right, down, row[:, 2] * inside], axis=1).astype(np.float32)


def _sides(frame: Frame) -> tuple[int, int]:
    return frame.width, frame.height


def _indexed(encoded: bytes, max_pixels: int, *, in_colors: bool) -> np.ndarray:
    """The values of a mask's file as they were written, ``uint8 [h, w]``; ``[h, w, 3]`` of one in
    colours.

    Raises:
        ValueError: the file's form has changed the values, or they are larger than 255.
        BadImage: it cannot be read.
    """
    picture = open_image(encoded, max_pixels)
    if picture.format in LOSSY:
        raise ValueError(
            f"is a {picture.format}, which changes a mask's values; save masks as PNG from where "
            "they were made"
        )
    spread = FEW_BITS.get(rawmode_of(picture), 1) if picture.mode == "L" else 1
    try:
        if picture.mode in ("L", "P", "1"):
            return np.asarray(picture).astype(np.uint8) // np.uint8(spread)
        if picture.mode.startswith("I"):
            values = np.asarray(picture)
            if values.min() < 0 or values.max() > 255:
                raise ValueError(f"has the value {values.max()}: a mask has 0 to 255")
            return values.astype(np.uint8)
        pixels = np.asarray(picture.convert("RGB"))
    except OSError as error:
        raise BadImage(" ".join(str(error).split()) or "cannot be decoded") from None
    # Grey that was saved in three channels: each has the values.
    grey = not in_colors and (pixels == pixels[..., :1]).all()
    return pixels[..., 0] if grey else pixels


def _files(value: Any) -> list[Any]:
    return [item.get("bytes") if isinstance(item, Mapping) else item for item in value]


def _padded(rows: np.ndarray, side: int) -> np.ndarray:
    """As an image of this size is padded, with the first class around it."""
    height, width = rows.shape
    longer = max(height, width)
    wide, high = (max(1, round(each * side / longer)) for each in (width, height))
    small = Pillow.fromarray(rows).resize((wide, high), Pillow.Resampling.NEAREST)
    square = Pillow.new("L", (side, side), 0)
    square.paste(small, (round((side - wide) * 0.5), round((side - high) * 0.5)))
    return np.asarray(square)


def _squared(places: np.ndarray, own: int, other: int, size: int, fit: str) -> np.ndarray:
    """Places along a side of ``own`` pixels, as the square of ``size`` pixels has them; the file's
    other side has ``other``."""
    if fit == "pad":
        inner = max(1, round(own * size / max(own, other)))
        return (places + 0.5) / own * inner + round((size - inner) * 0.5) - 0.5
    shown = min(own, other)
    return (places + 0.5 - (own - shown) / 2) / shown * size - 0.5


def _refuse_outside(seen: np.ndarray, names: list[str], frame: Frame) -> None:
    """Nothing, if all seen joints lie in the image: not past the borders of its outer pixels, whose
    centres are 0 and a side less 1.

    Raises:
        ValueError: one does not.
    """
    right, down = seen[:, 0], seen[:, 1]

    def off(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        outside: np.ndarray = (x < LEAST) | (y < LEAST)
        return outside | (x > frame.width + LEAST) | (y > frame.height + LEAST)

    wrong = off(right, down)
    if not wrong.any():
        return
    first = int(np.flatnonzero(wrong)[0])
    where = f"joint '{names[first]}' at x {right[first]:g}, y {down[first]:g} lies outside of its "
    turned = not off(down, right).any()
    raise ValueError(
        f"{where}image of {frame}"
        + ("; with the axes changed all joints lie inside: write x before y" if turned
           else "; joints are in pixels of the image, from its upper left corner; mark one that it "
           "does not show as hidden")
    )  # fmt: skip
