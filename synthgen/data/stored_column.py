"""The stored rows of one column beside the images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData
from synthgen.data.cells import Cells, Frame
from synthgen.data.decode import BadImage
from synthgen.data.listed import FILES, read_named
from synthgen.data.sources import Source, place_here
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Field

TOGETHER = 256
"""Rows whose cells are in memory at once."""


def column_of(source: Source, column: str) -> str | None:
    """The source's own name of a column; ``None`` if it has none."""
    known = [each.name for each in source.understood.columns]
    return next((name for name in (column, f"{column}{FILES}") if name in known), None)


def stored_column(
    source: Source, column: str, field: Field, data: ImageData, cells: Cells
) -> np.ndarray:
    """The stored rows of one further field, for the rows of ``data``.

    Raises:
        SynthgenError: there is no such column, or a value in it cannot be read.
    """
    known = [each.name for each in source.understood.columns]
    own = column_of(source, column)
    if own is None and not cells.alone:
        hint = did_you_mean(column, known)
        there = f" (there are {name_list(known)})" if known else ""
        raise SynthgenError(
            f"{source.name}: no column '{column}'{there}{hint}; name it with --field"
        )
    places = [int(row) for row in data.rows]
    # Where nothing else is wanted, the files of a folder are the column.
    values: Iterator[Any] = (
        (value for value, _ in source.encoded(places)) if own is None
        else _values(source, own, places)
    )  # fmt: skip
    folder = place_here(cells.settings)
    dtype, shape = field.stored()
    stored = np.empty((len(places), *shape), dtype=dtype)
    for number, value in enumerate(values):
        try:
            if isinstance(value, BadImage):
                raise value
            if own is not None and own.endswith(FILES):
                value = read_named(folder, value)
            height, width = data.sizes[number].tolist()
            stored[number] = cells.stored(value, field, Frame(height, width))
        except (ValueError, TypeError, BadImage) as error:
            reason = " ".join(str(error).split())[:300]
            raise SynthgenError(
                f"{source.where(places[number])}: column '{column}': {reason}"
            ) from None
    cells.refuse_unseen(stored, field, f"{source.name}: column '{column}'")
    return stored


def _values(source: Source, column: str, rows: Sequence[int]) -> Iterator[Any]:
    for start in range(0, len(rows), TOGETHER):
        yield from source.values(column, rows[start : start + TOGETHER])
