"""Fields: the kinds of column that data have, and how a row of each is stored, shown and mirrored.

A field knows five things: what one row is in the cache (``stored``), how a value that somebody has
written becomes such a row (``read``), what a network is given (``tensor``) and what becomes of a
network's output (``rows``), how a row looks in the mirror, and how it enters a network: as an
``index``, a ``vector``, a ``map``, a ``volume``, or not at all (``none``).

This page has images and labels; ``spec/vectors.py`` has attributes, ``spec/texts.py`` captions,
``spec/maps.py`` those with a value at every place, ``spec/solids.py`` solids and their views. Other
packages add theirs (``spec/kinds.py``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.frames import Windows, framed_pictures
from synthgen.spec.image import ImageSpec, quantise, to_float

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Enters = Literal["index", "vector", "map", "volume", "none"]
Stored = tuple[str, tuple[int, ...]]
"""The numpy name of a row's type, and a row's shape."""


class Field(Protocol):
    """A kind of column; frozen, and equal to another that means the same."""

    kind: ClassVar[str]

    @property
    def enters(self) -> Enters:
        """How networks take it."""

    @property
    def entering(self) -> int:
        """Classes of an index, numbers of a vector, channels of a map or a volume."""

    def stored(self) -> Stored:
        """One row in the cache."""

    def read(self, value: Any) -> np.ndarray:
        """One row from what a table or a file holds.

        Raises:
            ValueError: it cannot be such a row; the text says why.
        """

    def tensor(self, rows: Tensor) -> Tensor:
        """Stored rows ``[N, ...]`` to what networks take."""

    def rows(self, made: Tensor) -> tuple[Tensor, Tensor]:
        """What a network made to stored rows, and ``bool [N]``: whether all of it is finite."""

    def mirrored(self, rows: Tensor) -> Tensor:
        """Stored rows as they are once left and right have changed places."""

    def framed(self, rows: Tensor, windows: Windows) -> Tensor:
        """Stored rows through windows (:class:`synthgen.spec.frames.Windows`)."""

    def to_json(self) -> dict[str, Any]:
        """What :func:`synthgen.spec.kinds.field_from_json` reads, without ``kind``."""

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Field:
        """The field of such a record; raises ``KeyError``, ``TypeError`` or ``ValueError``."""


@dataclass(frozen=True)
class Named:
    """A field of named values, classes or joints; all of them enter networks."""

    names: tuple[str, ...]

    @property
    def entering(self) -> int:
        """Names: classes of an index, numbers of a vector, channels of a map."""
        return len(self.names)


class Placeless:
    """A field whose rows say nothing of places: a mirror and a window leave them as they are."""

    def mirrored(self, rows: Tensor) -> Tensor:
        """The rows themselves."""
        return rows

    def framed(self, rows: Tensor, windows: Windows) -> Tensor:
        """The rows themselves."""
        return rows


@dataclass(frozen=True)
class Image(ImageSpec):
    """A picture: ``uint8 [H, W, C]``; to networks ``float [C, H, W]`` in [-1, 1]."""

    shows: str = ""
    """What kind of picture it is, where a task has several: ``day``, ``night``."""
    kind: ClassVar[str] = "image"
    enters: ClassVar[Enters] = "map"

    @property
    def entering(self) -> int:
        return self.channels

    def stored(self) -> Stored:
        return "uint8", (self.height, self.width, self.channels)

    def read(self, value: Any) -> np.ndarray:
        """From a Pillow image or an array ``uint8 [h, w(, C)]``: cut to the field's proportions
        and resized with a Lanczos filter."""
        import numpy as np
        from PIL import Image as Pillow
        from PIL import ImageOps

        picture = value if isinstance(value, Pillow.Image) else Pillow.fromarray(plane(value))
        picture = picture.convert(self.mode)
        size = (self.width, self.height)
        if picture.size != size:
            picture = ImageOps.fit(picture, size, Pillow.Resampling.LANCZOS)
        return np.asarray(picture, dtype=np.uint8).reshape(self.stored()[1])

    def tensor(self, rows: Tensor) -> Tensor:
        return to_float(rows)

    def rows(self, made: Tensor) -> tuple[Tensor, Tensor]:
        return quantise(made)

    def mirrored(self, rows: Tensor) -> Tensor:
        return rows.flip(2)

    def framed(self, rows: Tensor, windows: Windows) -> Tensor:
        return framed_pictures(rows, windows)

    def to_json(self) -> dict[str, Any]:
        record = {"height": self.height, "width": self.width, "channels": self.channels}
        return {**record, "shows": self.shows} if self.shows else record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Image:
        height, width = (whole(record[key], 1, 1024) for key in ("height", "width"))
        channels = whole(record["channels"], 1, 3)
        if channels == 2:
            raise ValueError("2 channels are neither grey nor RGB")
        return cls(height, width, channels, str(record.get("shows", "")))


@dataclass(frozen=True)
class Label(Named, Placeless):
    """One of several classes: ``int64 []``, and the same to networks, as an index."""

    kind: ClassVar[str] = "label"
    enters: ClassVar[Enters] = "index"

    @property
    def count(self) -> int:
        """Classes."""
        return len(self.names)

    def indices(self, wanted: Sequence[str], owner: str) -> tuple[int, ...]:
        """Indices of class names; ``owner`` names who knows the classes in the error line.

        Composed and decomposed accents are the same name.

        Raises:
            SynthgenError: a name is unknown or given twice.
        """
        places = {_composed(name): index for index, name in enumerate(self.names)}
        places.update({name: index for index, name in enumerate(self.names)})
        found: list[int] = []
        for name in wanted:
            place = places.get(name, places.get(_composed(name)))
            if place is None:
                known = name_list(self.names)
                hint = did_you_mean(name, self.names)
                raise SynthgenError(f"class '{name}' is not in {owner} ({known}){hint}")
            if place in found:
                raise SynthgenError(f"class '{name}' is asked for twice; name each class once")
            found.append(place)
        return tuple(found)

    def stored(self) -> Stored:
        return "int64", ()

    def read(self, value: Any) -> np.ndarray:
        """From a class' name, or its index."""
        import numpy as np

        if isinstance(value, str) and value in self.names:
            return np.asarray(self.names.index(value), dtype=np.int64)
        if isinstance(value, int | np.integer) and 0 <= int(value) < len(self.names):
            return np.asarray(int(value), dtype=np.int64)
        raise ValueError(f"{value!r:.40} is none of the classes {name_list(self.names)}")

    def tensor(self, rows: Tensor) -> Tensor:
        return rows

    def rows(self, made: Tensor) -> tuple[Tensor, Tensor]:
        """From logits ``[N, classes]``."""
        return made.argmax(dim=1), made.isfinite().all(dim=1)

    def to_json(self) -> dict[str, Any]:
        return {"names": list(self.names)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Label:
        return cls(names_of(record["names"]))


def _composed(name: str) -> str:
    """The name as a keyboard types it: letter and accent as one character."""
    return unicodedata.normalize("NFC", name)


def whole(value: Any, low: int, high: int) -> int:
    """The whole number, in its bounds.

    Raises:
        ValueError: it is none, or lies outside.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{value!r:.40} is no whole number from {low} to {high}")
    return value


def names_of(values: Any) -> tuple[str, ...]:
    """A field's names, all different.

    Raises:
        ValueError: they are none.
    """
    if not isinstance(values, list | tuple):
        raise ValueError("names are a list")
    names = tuple(values)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("names are texts, at least one")
    if len(set(names)) < len(names):
        raise ValueError("a name is there twice")
    return names


def plane(value: Any) -> np.ndarray:
    """An array as Pillow reads it: a last axis of one value is dropped."""
    import numpy as np

    array = np.asarray(value)
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise ValueError(f"an array {array.dtype} {array.shape} is no picture")
    return array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
