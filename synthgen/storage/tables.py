"""Parquet files wherever they lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import Place

MOST_UNPACKED = 50
"""Times its own size that a file may unpack to. Images are not packed again, and the columns beside
are numbers: no dataset comes near."""
ALWAYS_UNPACKED = 64 * 2**20
"""Bytes that any file may unpack to."""


class BadTable(SynthgenError):
    """A file that is no Parquet file, is damaged, or unpacks to far more than it is."""


def open_parquet(file: Place) -> pq.ParquetFile:
    """The file, of which only what is asked for is read: from a store, ranges of bytes.

    Raises:
        FileNotFoundError: it is not there.
        BadTable: it is no Parquet file, or a bomb.
        StoreError: the store fails.
    """
    try:
        # Arrow's own reader is faster than Python's where it can open the path by itself.
        if isinstance(file, Path):
            table = pq.ParquetFile(file)
        else:
            stream: Any = file.open("rb")
            table = pq.ParquetFile(stream, pre_buffer=True)
    except pa.ArrowException as error:
        raise BadTable(f"{file}: not a readable Parquet file ({_line(error)})") from None
    groups = range(table.metadata.num_row_groups)
    unpacked = sum(table.metadata.row_group(group).total_byte_size for group in groups)
    if unpacked > max(ALWAYS_UNPACKED, MOST_UNPACKED * file.stat().st_size):
        table.close()
        raise BadTable(f"{file}: unpacks to {unpacked:,} bytes; it is no shard of a dataset")
    return table


def read_table(file: Place, columns: Sequence[str] | None = None) -> pa.Table:
    """The file, or some of its columns.

    Raises:
        As :func:`open_parquet`; BadTable: it is damaged, or has no such column.
    """
    with open_parquet(file) as table, _damage_named(file):
        found = table.read(columns=None if columns is None else list(columns))
    missing = [name for name in columns or () if name not in found.column_names]
    if missing:
        raise BadTable(f"{file}: has no column '{missing[0]}'")
    return found


def read_group(
    file: Place, table: pq.ParquetFile, group: int, columns: Sequence[str] | None = None
) -> pa.Table:
    """A row group of an open file, or some of its columns.

    Raises:
        BadTable: it is damaged.
    """
    with _damage_named(file):
        return table.read_row_group(group, columns=None if columns is None else list(columns))


@contextmanager
def _damage_named(file: Place) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise BadTable(f"{file}: damaged ({_line(error)}); see synthgen verify") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
