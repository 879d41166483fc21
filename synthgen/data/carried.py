"""Cells of the columns that travel along with given rows, read from any source."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from synthgen.data.listed import FILES, is_flat
from synthgen.data.sources import Source, open_source, place_here
from synthgen.data.understood import FLAT_CLASS, OF_PLACES, Column
from synthgen.spec.carried import TYPES, CarriedColumn
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.settings.data import DataSettings

LABEL = "label"
"""What classes that are no column of the data are called."""

WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e-?\d+)?", re.IGNORECASE)
"""Numbers as text that come back as they were: ``007`` is no number."""


@dataclass(frozen=True)
class Carried:
    """Columns that travel along, and their cells."""

    columns: tuple[CarriedColumn, ...] = ()
    cells: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """By the column's name in the data; ``None`` where a row has nothing."""
    left: tuple[str, ...] = ()
    """Columns that do not travel along: images, files and lists."""
    why: str = ""
    """Why the rows' classes do not, where they should."""

    def lines(self) -> list[str]:
        """What travels along and what does not, for a terminal."""
        said = []
        if self.columns:
            said.append(f"travels along: {name_list([each.column for each in self.columns])}")
        if self.left:
            said.append(
                f"does not travel along (files, lists and other types): {name_list(self.left)}"
            )
        if self.why:
            said.append(f"classes do not travel along: {self.why}")
        return said

    def with_classes(self, name: str, classes: Sequence[str], labels: Sequence[int]) -> Carried:
        """With the rows' classes before all other columns, as a class label."""
        column = CarriedColumn(name, "int64", tuple(classes))
        return Carried((column, *self.columns), {**self.cells, name: labels}, self.left)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over columns and cells."""
        digest = hashlib.sha256()
        for each in self.columns:
            cells = [each.to_json(), list(self.cells[each.column])]
            digest.update(json.dumps(cells, sort_keys=True).encode())
        return digest.hexdigest()


def carried_of(
    settings: DataSettings,
    source: Source,
    rows: np.ndarray,
    read: Sequence[str],
    classes: tuple[tuple[str, ...], np.ndarray] | None,
) -> Carried:
    """What travels along with the rows ``int64 [N]`` of a source: its columns but those that
    fields were ``read`` from.

    ``classes``: where the rows are read as one class, those that they have otherwise and
    ``int64 [M]`` for all rows of the source. They travel along too, as do those that class folders
    or a label file would give, and the other columns of that file.

    Raises:
        SynthgenError: a class label has different classes in different files.
    """
    used = {*read, *(f"{name}{FILES}" for name in read), *source.understood.used}
    carried = _read(source, rows.tolist(), used)
    if classes is None:
        return carried
    if classes[0] != (FLAT_CLASS,):
        return carried.with_classes(LABEL, classes[0], classes[1][rows].tolist())
    if source.understood.structure != "flat" or source.understood.columns:
        return carried
    return _labelled(settings, source, rows.tolist())


def _labelled(settings: DataSettings, source: Source, rows: Sequence[int]) -> Carried:
    """What is known of the files of a folder when it is read with its classes; cells are ``None``
    for a file that has none."""
    folder = place_here(settings)
    if folder.is_dir() and is_flat(folder):
        return Carried()
    try:
        other = open_source(settings, settings.split)
    except SynthgenError as error:
        return Carried(why=str(error))
    places = {other.where(place): place for place in range(len(other.labels))}
    found = [places.get(source.where(row)) for row in rows]
    there = [place for place in found if place is not None]
    carried = _read(other, there, other.understood.used)
    name = (*other.understood.used, LABEL)[0]
    carried = carried.with_classes(name, other.classes, other.labels[there].tolist())
    at = iter(range(len(there)))
    order = [None if place is None else next(at) for place in found]
    cells = {
        name: [None if place is None else known[place] for place in order]
        for name, known in carried.cells.items()
    }
    return replace(carried, cells=cells)


def _read(source: Source, rows: Sequence[int], used: Collection[str]) -> Carried:
    """The cells of all columns of a source but those that are ``used`` otherwise."""
    columns, cells, left = [], {}, []
    for each in source.understood.columns:
        if not each.name or each.name in used:
            continue
        if each.name.endswith(FILES) or each.kind in OF_PLACES:
            left.append(each.name)
            continue
        if each.kind == "class label" and not each.names:
            raise SynthgenError(
                f"{source.name}: column '{each.name}' has other classes in one file than in "
                "another; give its files the same, or leave the columns behind with --no-carry"
            )
        found = _typed(each, source.values(each.name, rows))
        if found is None:
            left.append(each.name)
            continue
        columns.append(found[0])
        cells[each.name] = found[1]
    return Carried(tuple(columns), cells, tuple(left))


def _typed(column: Column, values: Sequence[Any]) -> tuple[CarriedColumn, list[Any]] | None:
    """A column with its type, and its cells as that type has them; ``None`` if it is none."""
    if column.names:
        ok = all(v is None or (isinstance(v, int) and -1 <= v < len(column.names)) for v in values)
        cells = [None if v == -1 else v for v in values]
        return (CarriedColumn(column.name, "int64", column.names), cells) if ok else None
    if column.dtype in TYPES:
        return CarriedColumn(column.name, column.dtype), [_plain(value) for value in values]
    if column.dtype:
        return None
    return _of_text(column.name, values)


def _of_text(name: str, values: Sequence[Any]) -> tuple[CarriedColumn, list[Any]] | None:
    """A column of a file of text, whose types are seen by its values: numbers that come back as
    they were written are numbers."""
    cells = [None if value == "" else _plain(value) for value in values]
    there = [value for value in cells if value is not None]
    kinds = {type(value) for value in there}
    if kinds == {str}:
        if all(WHOLE.fullmatch(value) for value in there):
            return CarriedColumn(name, "int64"), [None if v is None else int(v) for v in cells]
        if all(DECIMAL.fullmatch(value) for value in there):
            return CarriedColumn(name, "float64"), [None if v is None else float(v) for v in cells]
        return CarriedColumn(name, "string"), cells
    if kinds == {bool}:
        return CarriedColumn(name, "bool"), cells
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in there):
        return CarriedColumn(name, "int64"), cells
    if kinds and kinds <= {int, float}:
        return CarriedColumn(name, "float64"), [None if v is None else float(v) for v in cells]
    if not kinds:
        return CarriedColumn(name, "string"), cells
    return None


def _plain(value: Any) -> Any:
    """Not a number is nothing."""
    return None if isinstance(value, float) and math.isnan(value) else value
