"""Columns of a table that hold solids or views of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from synthgen.data.decode import BadImage
from synthgen.data.solids import (
    ANGLES,
    Seen,
    SolidCells,
    first_views,
    of_size,
    seen_of,
    stamped,
    told_beside,
)
from synthgen.data.table_parts import Rows
from synthgen.data.understood import Column

FEW = 8
"""Rows that are tried for the size of all."""


class SolidColumns:
    """Reads the columns of kind ``voxels`` and ``views``."""

    def __init__(self, rows: Rows, name: str, max_pixels: int) -> None:
        self._rows, self._name, self._max_pixels = rows, name, max_pixels
        self._columns = [n for n, kind in rows.kinds.items() if kind in ("voxels", "views")]
        folders = rows.beside(0) if self._columns else ()
        self._told = told_beside(folders[-1] if folders else None)
        self._cells: dict[str, SolidCells] = {}
        self._sizes: dict[str, tuple[int, int] | None] = {}

    def described(self, column: Column) -> Column:
        """The column with the field that it is, where it is one of these.

        Raises:
            SynthgenError: none of its first solids can be read.
        """
        if column.name not in self._columns:
            return column
        if column.kind == "voxels":
            return replace(column, offers=self._solids(column.name).field)
        few = range(min(FEW, self._rows.count))
        named = ((seen, f"{self._name} row {row}")
                 for row, seen in enumerate(self._seen(column.name, few)))  # fmt: skip
        looked = first_views(named, self._max_pixels)
        self._sizes[column.name] = looked.size
        return replace(column, offers=looked.field, fault=looked.fault)

    def _solids(self, column: str) -> SolidCells:
        if column not in self._cells:
            few = range(min(FEW, self._rows.count))
            cells = self._rows.picked(column, few)
            named = ((cell, f"{self._name} row {row}") for row, cell in enumerate(cells))
            self._cells[column] = SolidCells.of(named, self._told)
        return self._cells[column]

    def _seen(self, column: str, places: Sequence[int]) -> Iterator[Seen | BadImage]:
        told = next((n for n in (f"{column}_{ANGLES}", ANGLES) if n in self._rows.kinds), None)
        angles: Iterator[Any] = (
            (None for _ in places) if told is None else self._rows.picked(told, places)
        )
        for cell, own in zip(self._rows.picked(column, places), angles, strict=True):
            yield seen_of(cell, own, self._told)

    def values(self, column: str, places: Sequence[int]) -> Iterator[np.ndarray | Seen | BadImage]:
        """Solids ``uint8 [S, S, S]`` or views of these places, or why there are none."""
        if self._rows.kinds[column] == "views":
            size = self._sizes.get(column)
            yield from (of_size(seen, size) for seen in self._seen(column, places))
            return
        cells = self._solids(column)
        for value in self._rows.picked(column, places):
            yield cells.grid(BadImage("has no solid") if value is None else value)

    def pictures(self, column: str, places: Sequence[int]) -> Iterator[bytes | BadImage]:
        """A picture of each solid, or the first of its views."""
        if self._rows.kinds[column] == "views":
            for seen in self._seen(column, places):
                yield seen if isinstance(seen, BadImage) else seen.files[0]
            return
        cells = self._solids(column)
        for value in self._rows.picked(column, places):
            yield cells.picture(BadImage("has no solid") if value is None else value)

    def stamped(self, key: str | None) -> str | None:
        """A table's key with what decides the pictures; as it is where there are none."""
        return stamped(key, self._told.key) if self._columns else key
