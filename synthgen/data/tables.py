"""Labelled encoded images of a folder of tables, or of a hub id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.decode import BadImage, read_head
from synthgen.data.solid_columns import SolidColumns
from synthgen.data.table_files import STEP
from synthgen.data.table_hints import held_instead, image_column
from synthgen.data.table_labels import table_labels
from synthgen.data.table_parts import Rows, refuse_unknown
from synthgen.data.understood import Understood
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings.data import DataSettings

SOLID = ("voxels", "views")
PICTURED = ("image", *SOLID)
"""Kinds of columns that images are read from, or made of."""


class Table:
    """The rows of one split with an image column and a label column, read without decoding."""

    def __init__(
        self, name: str, rows: Rows, settings: DataSettings, key: str | None, about: Understood
    ) -> None:
        self.name = name
        self._key = key
        self._all = rows
        kinds = rows.kinds
        self._image = settings.image_column or image_column(rows, name)
        refuse_unknown(self._image, kinds, name, "--image-column")
        instead = None if kinds[self._image] in PICTURED else held_instead(rows, self._image)
        if instead is not None:
            raise SynthgenError(f"{name}: {instead}")
        self._solid = SolidColumns(rows, name, settings.max_pixels)
        if kinds[self._image] not in (*PICTURED, "text"):
            raise SynthgenError(
                f"{name}: column '{self._image}' holds {rows.type_of(self._image)}, not image "
                "files; name the image column with --image-column"
            )
        self._places = _of_domain(rows, settings, name)
        used: tuple[str, ...] = (self._image,)
        if settings.structure == "flat":
            self.classes: tuple[str, ...] = ("all",)
            self.labels = np.zeros(len(self._places), dtype=np.int64)
            reading = f"a table, image column '{self._image}', all rows of one class"
        else:
            found = table_labels(rows, settings, self._image, self._places, name)
            self.classes, self.labels = found.classes, found.labels
            reading = f"a table, image column '{self._image}', {found.source}"
            used += found.columns
            about = replace(about, notes=(*found.notes, *about.notes))
        columns = tuple(map(self._solid.described, rows.columns))
        if kinds[self._image] in SOLID:
            used = used[1:]
            reading = reading.replace("image column", "pictures of column", 1)
        self.understood = replace(about, reading=reading, columns=columns, used=used)

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        places = [int(self._places[row]) for row in rows]
        if self._all.kinds[self._image] in SOLID:
            for row, file in zip(rows, self._solid.pictures(self._image, places), strict=True):
                yield file, f"{self.name} row {row}"
            return
        for row, value in zip(rows, self._all.picked(self._image, places), strict=True):
            where = f"{self.name} row {row}"
            path = value if isinstance(value, str) else None
            if isinstance(value, dict):
                path, value = value.get("path"), value.get("bytes")
            if isinstance(value, bytes) and value:
                yield value, where
            elif path:
                yield _named_file(self._all.beside(int(self._places[row])), path), where
            else:
                yield BadImage("is empty: it has no image"), where

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """The values of a column in these rows."""
        refuse_unknown(column, self._all.kinds, self.name, "its name")
        places = [int(self._places[row]) for row in rows]
        if self._all.kinds[column] in SOLID:
            return list(self._solid.values(column, places))
        found: list[Any] = []
        for start in range(0, len(places), STEP):
            found += self._all.picked(column, places[start : start + STEP])
        return found

    def where(self, row: int) -> str:
        return f"{self.name} row {row}"

    def quick_key(self) -> str | None:
        return self._solid.stamped(self._key)


def _named_file(folders: Sequence[Path], path: str) -> bytes | BadImage:
    """The file that a table names: by its whole path, or from the table's folder."""
    places = [folder / path for folder in folders] or [Path(path)]
    for place in places:
        try:
            return read_head(place)
        except FileNotFoundError:
            continue
        except OSError as error:
            return BadImage(f"names the file {path}, which cannot be read: {error.strerror}")
    return BadImage(f"names the file {path}, which is missing")


def _of_domain(rows: Rows, settings: DataSettings, name: str) -> np.ndarray:
    """The rows of the wanted domain, ``int64``; all of them if none is named."""
    column, wanted = settings.domain_column, settings.domain
    if column is None or wanted is None:
        return np.arange(rows.count)
    if column not in rows.kinds:
        hint = did_you_mean(column, rows.kinds)
        raise SynthgenError(f"{name}: no column '{column}' to tell domains by{hint}")
    texts: list[str] = []
    for part, values in rows.by_part(column):
        names = part.class_names(column)
        texts += [names[v] if names and v is not None else str(v) for v in values]
    found = [row for row, text in enumerate(texts) if text == wanted]
    if not found:
        known = sorted(set(texts))
        hint = did_you_mean(wanted, known)
        raise SynthgenError(
            f"{name}: no row of domain '{wanted}' in '{column}' "
            f"(there are {name_list(known)}){hint}"
        )
    return np.asarray(found, dtype=np.int64)
