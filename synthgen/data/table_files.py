"""Parquet, Feather and Arrow files, read with pyarrow alone: a path is never a pattern."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.data.file_kinds import ending
from synthgen.data.understood import Kind
from synthgen.spec.errors import SynthgenError

STEP = 128
"""Rows with images in memory at once."""


@dataclass(frozen=True)
class TableFile:
    """One file of rows."""

    path: Path

    @cached_property
    def _parquet(self) -> Any:
        # Row groups may be larger than memory: columns are read through a small buffer.
        return self._tried(lambda: pq.ParquetFile(self.path, buffer_size=1 << 20, pre_buffer=False))

    @cached_property
    def _arrow(self) -> Any:
        def opened() -> Any:
            source = pa.memory_map(str(self.path))
            whole = source.read(6) == b"ARROW1"
            source.seek(0)
            opener = pa.ipc.open_file if whole else pa.ipc.open_stream
            return opener(source).read_all()

        return self._tried(opened)

    @property
    def _is_parquet(self) -> bool:
        return ending(self.path.name) not in (".arrow", ".feather")

    @property
    def schema(self) -> pa.Schema:
        """Columns and their types, with the features of ``datasets`` in its metadata, if any."""
        return self._parquet.schema_arrow if self._is_parquet else self._arrow.schema

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return int(self._parquet.metadata.num_rows if self._is_parquet else self._arrow.num_rows)

    @property
    def features(self) -> dict[str, Any]:
        """What ``datasets`` says of its columns; empty if it was written without."""
        try:
            found = json.loads((self.schema.metadata or {})[b"huggingface"])["info"]["features"]
        except (KeyError, ValueError, TypeError):
            return {}
        return found if isinstance(found, dict) else {}

    def column(self, name: str) -> list[Any]:
        """All values of a column without images."""
        if self._is_parquet:
            read = self._tried(lambda: self._parquet.read(columns=[name]))
        else:
            read = self._arrow.select([name])
        values: list[Any] = read.column(0).to_pylist()
        return values

    def picked(self, name: str, rows: Sequence[int]) -> Iterator[Any]:
        """The values of some rows of a column, in their order; a few in memory at a time."""
        if not self._is_parquet:
            column = self._arrow.column(name)
            for row in rows:
                yield _value(column, row)
            return
        done = 0
        while done < len(rows):
            # Rows that go upwards are one pass over the file.
            end = done + 1
            while end < len(rows) and rows[end] > rows[end - 1]:
                end += 1
            yield from self._upwards(name, rows[done:end])
            done = end

    def _upwards(self, name: str, rows: Sequence[int]) -> Iterator[Any]:
        first, at = 0, 0
        for group in range(self._parquet.metadata.num_row_groups):
            if at == len(rows):
                return
            count = self._parquet.metadata.row_group(group).num_rows
            if rows[at] >= first + count:
                first += count
                continue
            batches = self._parquet.iter_batches(
                STEP, row_groups=[group], columns=[name], use_threads=False
            )
            start = first
            while at < len(rows) and rows[at] < first + count:
                batch = self._tried(lambda batches=batches: next(batches))
                while at < len(rows) and rows[at] < start + len(batch):
                    yield _value(batch.column(0), rows[at] - start)
                    at += 1
                start += len(batch)
            first += count

    def _tried(self, call: Any) -> Any:
        try:
            return call()
        except (pa.ArrowException, OSError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            raise SynthgenError(f"{self.path}: cannot be read as a table: {said}") from None


def _value(column: Any, row: int) -> Any:
    """The value of a row; of lists in lists in lists, a grid, its numbers in one array, which takes
    a hundredth of the time."""
    value = column[row]
    dtype, depth = column.type, 0
    while _is_list(dtype):
        dtype, depth = dtype.value_type, depth + 1
    if (
        depth < 3
        or not value.is_valid
        or not (
            pa.types.is_boolean(dtype) or pa.types.is_integer(dtype) or pa.types.is_floating(dtype)
        )
    ):
        return value.as_py()
    numbers = value.values
    while _is_list(numbers.type):
        numbers = numbers.flatten()
    return numbers.to_numpy(zero_copy_only=False)


def kind_of(feature: Any, dtype: pa.DataType, sample: Any) -> Kind:
    """What the values of a column are: by the features of ``datasets``, by its type, and for plain
    bytes by a value."""
    named = feature.get("_type") if isinstance(feature, dict) else None
    if named == "Image":
        return "image"
    if named == "ClassLabel":
        return "class label"
    if named == "Array3D" and len(set(feature.get("shape", ()))) == 1:
        return "voxels"
    if _is_list(dtype) and kind_of(None, dtype.value_type, sample) == "image":
        return "views"
    if pa.types.is_struct(dtype):
        fields = {dtype.field(k).name: dtype.field(k).type for k in range(dtype.num_fields)}
        return "image" if "bytes" in fields and is_bytes(fields["bytes"]) else "other"
    if pa.types.is_dictionary(dtype):
        return kind_of(None, dtype.value_type, sample)
    if is_bytes(dtype):
        return "image" if isinstance(sample, bytes) and looks_encoded(sample) else "other"
    if is_text(dtype):
        return "text"
    if pa.types.is_integer(dtype):
        return "whole number"
    return "number" if pa.types.is_floating(dtype) else "other"


def _is_list(dtype: pa.DataType) -> bool:
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(dtype) for test in tests)


def is_grid(dtype: pa.DataType) -> bool:
    """Whether values of the type may be the voxels of a solid: bytes, or nested lists."""
    return is_bytes(dtype) or _is_list(dtype)


def is_bytes(dtype: pa.DataType) -> bool:
    """Whether values of the type are bytes."""
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view,
             pa.types.is_fixed_size_binary)  # fmt: skip
    return any(test(dtype) for test in tests)


def is_text(dtype: pa.DataType) -> bool:
    """Whether values of the type are text."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(dtype) for test in tests)


def looks_encoded(value: bytes) -> bool:
    """Whether bytes begin like an image file."""
    starts = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"P5",
              b"P6", b"\0\0\0\x0cjP", b"\xffO\xffQ")  # fmt: skip
    return value.startswith(starts) or value[4:8] == b"ftyp"
