"""The files of one split as one table: columns, their kinds, and rows by their number."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from synthgen.data.solids import NAMES as SOLID_NAMES
from synthgen.data.table_files import TableFile, is_grid, is_text, kind_of
from synthgen.data.understood import Column, Kind
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list


class Part(Protocol):
    """Rows with a schema: a file, or a table in memory."""

    @property
    def schema(self) -> pa.Schema: ...

    @property
    def rows(self) -> int: ...

    @property
    def features(self) -> dict[str, Any]: ...

    def column(self, name: str) -> list[Any]: ...

    def picked(self, name: str, rows: Sequence[int]) -> Iterator[Any]: ...


@dataclass(frozen=True)
class LoadedPart:
    """What ``datasets`` has loaded from the hub."""

    table: Any
    """A ``datasets.Dataset``."""

    @property
    def schema(self) -> pa.Schema:
        return self.table.data.schema

    @property
    def rows(self) -> int:
        return len(self.table)

    @property
    def features(self) -> dict[str, Any]:
        found: dict[str, Any] = self.table.features.to_dict()
        return found

    def column(self, name: str) -> list[Any]:
        return list(self.picked(name, range(self.rows)))

    def picked(self, name: str, rows: Sequence[int]) -> Iterator[Any]:
        column = self.table.with_format("arrow").select_columns([name])
        for start in range(0, len(rows), 128):
            yield from column[list(rows[start : start + 128])].column(0).to_pylist()


@dataclass(frozen=True)
class NamedPart:
    """A part, the folder that it lies in, and what the dataset's card says of its columns."""

    part: Part
    folders: tuple[Path, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)

    def class_names(self, column: str) -> list[str] | None:
        """The names of a class-label column's values; ``None`` for other columns."""
        own, card = (_names(features.get(column)) for features in (self.part.features, self.card))
        if own and card and own != card:
            raise SynthgenError(
                f"{self.folders[0] if self.folders else 'the dataset'}: README.md gives the values "
                f"of column '{column}' other names than the files do ({name_list(card, 4)}; "
                f"{name_list(own, 4)}); mend one of them"
            )
        return own or card

    def names_inside(self, column: str) -> dict[str, list[str]]:
        """Of a column of mappings the names of those of its values that are class labels."""
        inside = self.part.features.get(column)
        if not isinstance(inside, dict) or "_type" in inside:
            return {}
        found = {key: _names(feature) for key, feature in inside.items()}
        return {key: names for key, names in found.items() if names}


def _names(feature: Any) -> list[str] | None:
    found = feature.get("names") if isinstance(feature, dict) else None
    return [str(name) for name in found] if isinstance(found, list) else None


def _named(value: dict[str, Any], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A mapping with the names of its class labels in place of their numbers."""
    known = {
        key: names[key][each]
        for key, each in value.items()
        if key in names and isinstance(each, int) and 0 <= each < len(names[key])
    }
    return {**value, **known}


class Rows:
    """The rows of several parts, one after another.

    Raises:
        SynthgenError: the parts do not have the same columns.
    """

    def __init__(self, parts: Sequence[NamedPart], name: str) -> None:
        self._parts = [part for part in parts if part.part.rows] or list(parts[:1])
        self._starts = [0]
        for each in self._parts:
            self._starts.append(self._starts[-1] + each.part.rows)
        self.count = self._starts[-1]
        if not self.count:
            raise SynthgenError(f"{name}: the table has no rows")
        self.kinds: dict[str, Kind] = self._kinds_of(self._parts[0])
        for each in self._parts[1:]:
            missing = set(self.kinds) ^ set(each.part.schema.names)
            if missing:
                raise SynthgenError(
                    f"{name}: column '{min(missing)}' is in some files and not in others; move "
                    "files that do not belong to the data elsewhere"
                )

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(
            Column(name, kind, self._classes_of(name, kind), dtype=self.type_of(name))
            for name, kind in self.kinds.items()
        )

    def _classes_of(self, column: str, kind: Kind) -> tuple[str, ...]:
        """The classes of a class-label column; nothing where its files do not agree on them."""
        if kind != "class label":
            return ()
        try:
            found = {tuple(part.class_names(column) or ()) for part in self._parts}
        except SynthgenError:  # told where the column is read as the label
            return ()
        return found.pop() if len(found) == 1 else ()

    def type_of(self, column: str) -> str:
        """The type of a column as its files give it."""
        found = self._parts[0].part.schema.field(column).type
        if is_text(found):
            return "string"
        return {"float": "float32", "double": "float64"}.get(str(found), str(found))

    def by_part(self, column: str) -> Iterator[tuple[NamedPart, list[Any]]]:
        """All values of a column without images, part by part."""
        for each in self._parts:
            yield each, each.part.column(column)

    def picked(self, column: str, rows: Sequence[int]) -> Iterator[Any]:
        """The values of some rows, in their order."""
        for place, own in groupby(rows, lambda row: bisect_right(self._starts, row) - 1):
            part, start = self._parts[place], self._starts[place]
            names = part.names_inside(column)
            for value in part.part.picked(column, [row - start for row in own]):
                yield _named(value, names) if names and isinstance(value, dict) else value

    def beside(self, row: int) -> tuple[Path, ...]:
        """Folders from which a row's file names may start."""
        return self._parts[bisect_right(self._starts, row) - 1].folders

    def _kinds_of(self, named: NamedPart) -> dict[str, Kind]:
        part, found = named.part, dict[str, Kind]()
        features = {**named.card, **part.features}
        for column in part.schema:
            sample = None
            if isinstance(part, TableFile) and kind_of(None, column.type, b"\x89PNG") == "image":
                sample = next((v for v in part.picked(column.name, range(min(8, part.rows))) if v),
                              None)  # fmt: skip
            kind = kind_of(features.get(column.name), column.type, sample)
            by_name = column.name in SOLID_NAMES and is_grid(column.type)
            found[column.name] = "voxels" if kind == "other" and by_name else kind
        return found


def refuse_unknown(column: str, known: Mapping[str, Any], name: str, option: str) -> None:
    """Nothing, if the column is known.

    Raises:
        SynthgenError: it is not.
    """
    if column not in known:
        hint = did_you_mean(column, known)
        raise SynthgenError(
            f"{name}: no column '{column}' (there are {name_list(known)}){hint} "
            f"Name it with {option}"
        )
