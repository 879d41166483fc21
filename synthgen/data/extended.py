"""A source of rows with one column more, which is computed from those that it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.data.decode import BadImage
from synthgen.data.understood import Column

if TYPE_CHECKING:
    from synthgen.data.sources import Source


class Extended:
    """The source itself, but for one column, which is new or in the place of one of its name."""

    def __init__(
        self, source: Source, column: Column, stored: np.ndarray, notes: Sequence[str],
        used: Sequence[str],
    ) -> None:  # fmt: skip
        """``stored`` is ``[N, ...]``, the column's values for each row of the source; ``notes`` say
        how it came about, ``used`` are the columns that it was computed from."""
        self.name, self.classes, self.labels = source.name, source.classes, source.labels
        self._source, self._column, self._stored = source, column.name, stored
        about = source.understood
        others = (each for each in about.columns if each.name != column.name)
        self.understood = replace(
            about, columns=(*others, column), notes=(*about.notes, *notes),
            used=(*about.used, *used),
        )  # fmt: skip

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """The image's bytes, or why there are none, and where it came from, for each row."""
        return self._source.encoded(rows)

    def where(self, row: int) -> str:
        """Where a row came from."""
        return self._source.where(row)

    def quick_key(self) -> str | None:
        """Text that changes when the images may have changed."""
        return self._source.quick_key()

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """What the column says of each row: of the new one stored rows."""
        if column == self._column:
            return list(self._stored[np.asarray(rows, dtype=np.int64)])
        return self._source.values(column, rows)
