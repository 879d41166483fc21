"""Cells that hold solids or views of them, and the pictures by which solids are looked at.

``solids.json`` beside the data may say what the cells do not: ``{"order": "binvox"}`` where arrays
are of x, z and upward y, ``{"angles": [0, 90]}`` for the views of every row.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL.ImageFile import ImageFile

from synthgen.data.binvox import LARGEST, MAGIC, from_binvox_order, read_binvox
from synthgen.data.decode import BadImage, look_at, open_image
from synthgen.spec.errors import SynthgenError
from synthgen.spec.solids import Views, Voxels

FILE = "solids.json"
NAMES = ("voxels", "voxel", "occupancy", "grid", "solid")
"""Columns of bytes or of nested lists that are solids by their names."""
ANGLES = "angles"
ORDERS = ("depth-row-column", "binvox")
DRAWN = 1
"""Version of the pictures: a change of them changes what is in the cache."""


@dataclass(frozen=True)
class Told:
    """What ``solids.json`` says."""

    binvox: bool = False
    """Whether arrays are in the order of ``.binvox`` files."""
    angles: tuple[float, ...] = ()

    @property
    def key(self) -> str:
        """Text that changes with it."""
        return f"solids {DRAWN} {self.binvox} {self.angles}"


def told_beside(folder: Path | None) -> Told:
    """What the folder's ``solids.json`` says; nothing where there is none.

    Raises:
        SynthgenError: it says something else.
    """
    path = None if folder is None else folder / FILE
    if path is None or not path.is_file():
        return Told()
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        order = record.get("order", ORDERS[0])
        if order not in ORDERS or set(record) - {"order", ANGLES}:
            raise ValueError("keys are 'order' and 'angles'")
        return Told(order == ORDERS[1], angles_of(record.get(ANGLES) or ()))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SynthgenError(
            f'{path}: cannot be read ({reason}); write {{"order": "depth-row-column" or "binvox", '
            '"angles": [0, 90, …]}'
        ) from None


def angles_of(values: Any) -> tuple[float, ...]:
    """Angles in degrees.

    Raises:
        ValueError: they are none, or one is there twice.
    """
    angles = tuple(float(value) for value in values)
    if not all(np.isfinite(angles)):
        raise ValueError("an angle is no number")
    if len({round(angle % 360, 3) for angle in angles}) < len(angles):
        raise ValueError("an angle is there twice")
    return angles


def grid_of(value: Any, told: Told) -> np.ndarray:
    """The solid ``uint8 [S, S, S]`` of 0 and 1 in a cell: the bytes of a file ``.npy`` or
    ``.binvox``, bits packed into bytes, an array or nested lists.

    Raises:
        ValueError: it holds none, or an empty one; the text says why.
    """
    if isinstance(value, bytes):
        if value.startswith(MAGIC):
            return _filled(read_binvox(value))
        value = _array_of(value)
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError("is no grid of voxels: nested lists of equal lengths are") from None
    if array.dtype == object or array.dtype.kind not in "buif":
        raise ValueError("is no grid of voxels: nested lists of equal lengths are")
    side = round(array.size ** (1 / 3))
    if array.shape not in ((side,) * 3, (side**3,)) or not side:
        sides = " x ".join(map(str, array.shape)) or "one value"
        raise ValueError(f"is {sides}: a cube of voxels is wanted, as 32 x 32 x 32")
    if side > LARGEST:
        raise ValueError(f"has a side of {side} voxels; read are 1 to {LARGEST}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("has voxels that are no numbers")
    filled = array > (0.5 if array.dtype.kind == "f" else 0)
    grid = filled.reshape((side,) * 3).astype(np.uint8)
    return _filled(from_binvox_order(grid) if told.binvox else grid)


def _array_of(value: bytes) -> np.ndarray:
    if value.startswith(b"\x93NUMPY"):
        try:
            found: np.ndarray = np.load(io.BytesIO(value), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            reason = " ".join(str(error).split())
            if "allow_pickle" in reason:
                reason = "it holds Python objects, which are never loaded"
            raise ValueError(
                f"cannot be read as .npy ({reason}); a cube of yes and no is wanted, as 32 x 32 x "
                "32 of bool"
            ) from None
        return found
    bits = np.unpackbits(np.frombuffer(value, dtype=np.uint8))
    side = round((bits.size) ** (1 / 3))
    side -= side**3 > bits.size
    if not side or bits.size - side**3 >= 8:
        raise ValueError(f"holds {len(value)} bytes, which are no packed cube of voxels")
    return bits[: side**3]


def _filled(grid: np.ndarray) -> np.ndarray:
    if not grid.any():
        raise ValueError("is an empty grid: no voxel is filled")
    return grid


class SolidCells:
    """Reads cells of solids, all of one side."""

    def __init__(self, field: Voxels, told: Told) -> None:
        self.field, self.told = field, told

    @staticmethod
    def of(cells: Iterable[tuple[Any, str]], told: Told) -> SolidCells:
        """By the first cell that can be read, of cells with where they come from.

        Raises:
            SynthgenError: none can.
        """
        fault = ""
        for value, where in cells:
            try:
                if isinstance(value, BadImage):
                    raise value
                return SolidCells(Voxels(len(grid_of(value, told))), told)
            except (ValueError, BadImage) as error:
                fault = fault or f"{where}: {error}"
        raise SynthgenError(fault or "there are no solids")

    def grid(self, value: Any) -> np.ndarray | BadImage:
        """``uint8 [S, S, S]``, or why there is none."""
        try:
            if isinstance(value, BadImage):
                return value
            return self.field.read(grid_of(value, self.told))
        except ValueError as error:
            return BadImage(str(error))

    def picture(self, value: Any) -> bytes | BadImage:
        """A PNG of the solid's picture, twice the grid's side high and wide."""
        import torch

        from synthgen.spec.projection import pictures

        grid = self.grid(value)
        if isinstance(grid, BadImage):
            return grid
        size = 2 * self.field.side
        drawn = pictures(torch.from_numpy(grid)[None], size, size)[0, :, :, 0].numpy()
        file = io.BytesIO()
        Pillow.fromarray(drawn).save(file, "PNG")
        return file.getvalue()


@dataclass(frozen=True)
class Seen:
    """A row's views: files, and the angle of each in degrees; none where they are not told."""

    files: tuple[Any, ...]
    angles: tuple[float, ...]
    size: tuple[int, int] | None = None
    """Height and width that all views of the data have, where that is known."""

    def pictures(self, field: Views, max_pixels: int) -> list[ImageFile]:
        """The views in the order of the field's angles, opened.

        Raises:
            ValueError: there are others, their angles are not told, or one is of another size.
            BadImage: a file cannot be read.
        """
        found = [open_image(file, max_pixels) for file in self.in_order(field)]
        size = self.size
        for number, picture in enumerate(found):
            look = look_at(picture)
            size = size or (look.height, look.width)
            if (look.height, look.width) != size:
                raise ValueError(
                    f"the view from {field.turns[number]:g} degrees is {look.width}x{look.height}, "
                    f"and others are {size[1]}x{size[0]}: bring all views to one size"
                )
        return found

    def in_order(self, field: Views) -> list[Any]:
        """The files in the order of the field's angles.

        Raises:
            ValueError: there are others, or they are not told.
        """
        if len(self.files) != field.count:
            raise ValueError(f"{len(self.files)} views, not {field.count}")
        if not self.angles:
            raise ValueError(
                "views without angles: add a column 'angles' in degrees, or write "
                f'{{"angles": [0, 90, …]}} into {FILE} beside the data'
            )
        own = [round(angle % 360, 3) % 360 for angle in self.angles]
        wanted = [round(angle % 360, 3) % 360 for angle in field.turns]
        if sorted(own) != sorted(wanted):
            told, asked = (", ".join(f"{a:g}" for a in angles) for angles in (own, wanted))
            raise ValueError(f"views from {told} degrees, where {asked} are wanted")
        return [self.files[own.index(angle)] for angle in wanted]


def seen_of(cell: Any, angles: Any, told: Told) -> Seen | BadImage:
    """A row's views from a list of files, and the row's own angles where it has some."""
    if not isinstance(cell, Sequence) or isinstance(cell, bytes | str) or not len(cell):
        return BadImage("has no views")
    files = tuple(one.get("bytes") if isinstance(one, Mapping) else one for one in cell)
    if not all(isinstance(file, bytes) and file for file in files):
        return BadImage("has a view without the bytes of an image file")
    try:
        own = angles_of(angles) if angles is not None else told.angles
    except (ValueError, TypeError) as error:
        return BadImage(f"has angles that cannot be read: {error}")
    if own and len(own) != len(files):
        return BadImage(f"has {len(files)} views and {len(own)} angles")
    return Seen(files, own)


@dataclass(frozen=True)
class FirstViews:
    """What the first rows of a column of views tell of all."""

    field: Views | None = None
    """``None`` if none of them can be read."""
    size: tuple[int, int] | None = None
    """Height and width of a view, in pixels."""
    fault: str = ""
    """Why the first that cannot be read cannot, and where it is."""


def first_views(seen: Iterable[tuple[Seen | BadImage, str]], max_pixels: int) -> FirstViews:
    """By the first row whose views can be read, of rows with where they come from."""
    fault = ""
    for each, where in seen:
        try:
            if isinstance(each, BadImage):
                raise each
            look = look_at(open_image(each.files[0], max_pixels))
        except BadImage as error:
            fault = fault or f"{where}: {error}"
            continue
        count, channels = len(each.files), 1 if look.grey else 3
        side = min(1024, look.height), min(1024, look.width)
        field = Views(count, *side, channels, tuple(sorted(each.angles)))
        return FirstViews(field, (look.height, look.width), fault)
    return FirstViews(fault=fault)


def of_size(seen: Seen | BadImage, size: tuple[int, int] | None) -> Seen | BadImage:
    """A row's views, which are to be of this height and width."""
    return seen if isinstance(seen, BadImage) else replace(seen, size=size)


def stamped(key: str | None, *more: str) -> str | None:
    """A source's key with what else decides its pictures."""
    if key is None:
        return None
    return "\n".join([key, hashlib.sha256("\n".join(more).encode()).hexdigest()])
