"""What was understood of somebody's data, in words and in frozen records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from synthgen.spec.errors import printable
from synthgen.spec.solids import Views, Voxels
from synthgen.spec.texts import Text
from synthgen.spec.vectors import Attributes

Kind = Literal[
    "image", "class label", "text", "whole number", "number", "mask", "joints", "attributes",
    "voxels", "views", "other",
]  # fmt: skip
"""What the values of a column are."""

Structure = Literal[
    "classes", "splits", "flat", "labels", "table", "archives", "pairs", "side-by-side", "coco"
]  # fmt: skip
"""How images come by their classes: class folders, class folders in split folders, none at all (one
class), a label file beside the images, a table with an image column, WebDataset archives. Or by
their partners: folders of equal stems, two images in one file, COCO annotations."""

OF_PLACES: tuple[Kind, ...] = ("image", "mask", "joints", "voxels", "views")
"""Kinds of columns with a value at every place: they are no attributes, and do not travel along."""

FLAT_CLASS = "all"
"""The one class of images that have none."""


@dataclass(frozen=True)
class Column:
    """A column of a table or of a label file."""

    name: str
    kind: Kind
    names: tuple[str, ...] = ()
    """What the data call its values: classes of a mask, joints; of a class label its classes,
    where all files have the same."""
    limbs: tuple[tuple[int, int], ...] = ()
    """Of joints: pairs of them between which a limb is drawn."""
    dtype: str = ""
    """Its Arrow type, where the data say it: not of files of text."""
    offers: Attributes | Text | Voxels | Views | None = None
    """Of attributes: which there are, and what their values are; of captions how long they are; of
    solids and views the field."""
    fault: str = ""
    """Of views: why the first that cannot be read cannot."""

    def __str__(self) -> str:
        told = self.names and self.kind in ("mask", "joints")
        names = f": {', '.join(self.names)}" if told else ""
        if isinstance(self.offers, Voxels | Views):
            names = f": {self.offers}"
        return f"{self.name} ({self.kind}{names})"


@dataclass(frozen=True)
class LeftOut:
    """Files or rows that are not used."""

    count: int
    what: str
    """In the plural, for example ``"Thumbs.db files"``."""
    why: str
    first: str
    """Where the first of them lies."""

    def __str__(self) -> str:
        return f"{self.count:,} {self.what} ({self.why}), the first: {self.first}"


@dataclass(frozen=True)
class Understood:
    """How data is read: the answer to "what will training see?" before a pixel is decoded."""

    structure: Structure
    reading: str
    """One sentence about the structure."""
    split: str | None = None
    """The split that is read, by its own name."""
    splits: tuple[str, ...] = ()
    """All splits that there are."""
    columns: tuple[Column, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    """Columns that images and classes are read from."""

    def lines(self) -> list[str]:
        """Text for a terminal, a line for each fact."""
        made = [f"read as: {self.reading}"]
        if self.splits:
            made.append(f"split: '{self.split}' of {', '.join(self.splits)}")
        if self.columns:
            made.append(f"columns: {', '.join(map(str, self.columns))}")
        made += [f"left out: {each}" for each in self.left_out]
        return made + [f"note: {note}" for note in self.notes]


def grouped(found: Iterable[tuple[str, str, str]]) -> tuple[LeftOut, ...]:
    """Single findings ``(what, why, where)`` as one record for each kind, in order of sight."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for what, why, where in found:
        counts[what, why] += 1
        first.setdefault((what, why), printable(where))
    return tuple(
        LeftOut(count, what, why, first[what, why]) for (what, why), count in counts.items()
    )
