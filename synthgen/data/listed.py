"""Images of one folder by the files that its metadata names."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.data.attribute_lists import attribute_list
from synthgen.data.decode import BadImage, read_head
from synthgen.data.file_kinds import file_kind, split_meaning
from synthgen.data.understood import FLAT_CLASS, Column, Understood
from synthgen.spec.errors import SynthgenError

if TYPE_CHECKING:
    from synthgen.data.sources import Source

METADATA = ("metadata.csv", "metadata.jsonl")
FILES = "_file_name"
"""The end of the name of a column that names files."""


class Listed:
    """Images of one folder in the order of a metadata file that names no label."""

    def __init__(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        self.name = folder.resolve().name
        self._folder, self._rows = folder, rows
        self.classes: tuple[str, ...] = (FLAT_CLASS,)
        self.labels = np.zeros(len(rows), dtype=np.int64)
        names = dict.fromkeys(name for row in rows for name in row)
        columns = tuple(Column(name, "other") for name in names)
        text = f"{len(rows):,} rows of a metadata file without a label, all of one class"
        self.understood = Understood("flat", text, columns=columns, used=("file_name",))

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """The file's bytes, or why there are none, and where it came from, for each row."""
        for row in rows:
            try:
                yield read_named(self._folder, self._rows[row]["file_name"]), self.where(row)
            except BadImage as error:
                yield error, self.where(row)

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """What another column says of each row; ``None`` where it says nothing."""
        return [self._rows[row].get(column) for row in rows]

    def where(self, row: int) -> str:
        """Where a row's image came from."""
        return str(self._folder / str(self._rows[row]["file_name"]))

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""
        lines = [str(self._folder.resolve()), json.dumps(self._rows, default=str)]
        for path in sorted(self._folder.rglob("*")):
            stat = path.stat()
            lines.append(f"{path.name}|{stat.st_size}|{stat.st_mtime_ns}")
        return "\n".join(lines)


def read_named(folder: Path, name: Any) -> bytes:
    """A file that a row names, in or below the folder.

    Raises:
        BadImage: it is not there, or elsewhere.
    """
    path = folder / str(name)
    if Path(str(name)).is_absolute() or ".." in path.parts or not path.is_file():
        raise BadImage(f"names the file {name!s:.80}, which is missing")
    return read_head(path)


def rows_without_label(folder: Path, label: str) -> list[dict[str, Any]] | None:
    """The rows of the folder's metadata file, if it has one and that has no label; else those of a
    list of attributes."""
    path = next((folder / name for name in METADATA if (folder / name).is_file()), None)
    if path is None:
        return attribute_list(folder)
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            rows: list[dict[str, Any]] = list(csv.DictReader(text.splitlines()))
        else:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        if not rows or not all(isinstance(row, dict) and "file_name" in row for row in rows):
            raise ValueError("every row needs a file_name")
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SynthgenError(f"{path}: cannot be read: {reason}") from None
    return None if label in rows[0] else rows


def has_metadata(folder: Path) -> bool:
    """Whether a metadata file lies in a folder, or in one of its splits."""
    inside = folder.iterdir() if folder.is_dir() else ()  # a hub id is no folder here
    splits = (sub for sub in inside if sub.is_dir() and split_meaning(sub.name))
    return any((each / name).is_file() for each in (folder, *splits) for name in METADATA)


def is_flat(folder: Path) -> bool:
    """Whether all there is in a folder lies loose in it, images among it, and nothing that could
    say their classes."""
    inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
    kinds = {file_kind(path.name) for path in inside if path.is_file()}
    told = {"table", "labels"} & kinds
    return "picture" in kinds and not told and all(path.is_file() for path in inside)


class Shown:
    """A source of which another column is the images."""

    def __init__(self, source: Source, column: str, name: str, folder: Path) -> None:
        self.name, self.classes, self.labels = source.name, source.classes, source.labels
        reading = f"{source.understood.reading}; the images are column '{name}'"
        self.understood = replace(source.understood, reading=reading)
        self._source, self._column = source, column
        self._folder = folder

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """The bytes of the column's files, or why there are none, and where they came from."""
        for row, value in zip(rows, self._source.values(self._column, rows), strict=True):
            cell: Any = value.get("bytes") if isinstance(value, Mapping) else value
            try:
                if self._column.endswith(FILES):
                    cell = read_named(self._folder, cell)
                if not isinstance(cell, bytes):
                    raise BadImage(f"column '{self._column}' holds no image file")
                yield cell, self.where(row)
            except BadImage as error:
                yield error, self.where(row)

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """What another column says of each row."""
        return self._source.values(column, rows)

    def where(self, row: int) -> str:
        """Where a row came from."""
        return self._source.where(row)

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed."""
        key = self._source.quick_key()
        return None if key is None else f"{self._column}\n{key}"
