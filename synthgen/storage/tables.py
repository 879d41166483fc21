"""Parquet files wherever they lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.storage.place import Place


def open_parquet(file: Place) -> pq.ParquetFile:
    """The file, of which only what is asked for is read: from a store, ranges of bytes.

    Raises:
        FileNotFoundError: it is not there.
        pa.ArrowException: it is no Parquet file.
        StoreError: the store fails.
    """
    # Arrow's own reader is faster than Python's where it can open the path by itself.
    if isinstance(file, Path):
        return pq.ParquetFile(file)
    stream: Any = file.open("rb")
    return pq.ParquetFile(stream, pre_buffer=True)


def read_table(file: Place, columns: Sequence[str] | None = None) -> pa.Table:
    """The file, or some of its columns.

    Raises:
        As :func:`open_parquet`.
    """
    with open_parquet(file) as table:
        return table.read(columns=None if columns is None else list(columns))
