"""Rows of a shard before they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from synthgen.dataset.columns import Columns
from synthgen.dataset.schema import arrow_schema, make_features, score_type


@dataclass(frozen=True)
class Rows:
    """Columns of equal length. Arrays are ``int64``; scores ``float32``, but ``train_row``."""

    encoded: list[bytes]
    labels: np.ndarray
    candidates: np.ndarray
    generator_classes: np.ndarray
    pixel_hashes: np.ndarray
    scores: dict[str, np.ndarray]
    reasons: list[str] | None = None
    """Why each was thrown away; ``None`` for kept images."""
    columns: Columns = Columns()  # noqa: RUF009 - frozen
    """Which further columns there are."""
    cells: Mapping[str, list[Any]] = field(default_factory=dict)
    """Their cells, by name."""

    def __len__(self) -> int:
        return len(self.encoded)

    def take(self, order: Sequence[int] | np.ndarray) -> Rows:
        """The rows of these positions, in this order."""
        index = np.asarray(order, dtype=np.int64)
        return Rows(
            [self.encoded[i] for i in index],
            self.labels[index],
            self.candidates[index],
            self.generator_classes[index],
            self.pixel_hashes[index],
            {name: values[index] for name, values in self.scores.items()},
            None if self.reasons is None else [self.reasons[i] for i in index],
            self.columns,
            {name: [cells[i] for i in index] for name, cells in self.cells.items()},
        )

    @staticmethod
    def concat(parts: Sequence[Rows]) -> Rows:
        """All rows of ``parts``, one after another; there must be at least one part."""
        return Rows(
            [item for part in parts for item in part.encoded],
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.candidates for part in parts]),
            np.concatenate([part.generator_classes for part in parts]),
            np.concatenate([part.pixel_hashes for part in parts]),
            {name: np.concatenate([p.scores[name] for p in parts]) for name in parts[0].scores},
            None
            if parts[0].reasons is None
            else [reason for part in parts for reason in part.reasons or []],
            parts[0].columns,
            {n: [cell for part in parts for cell in part.cells[n]] for n in parts[0].cells},
        )

    @property
    def file_bytes(self) -> int:
        """What the encoded images take."""
        further = (size_of(cell) for cells in self.cells.values() for cell in cells)
        return sum(map(len, self.encoded)) + sum(further)

    def to_tables(
        self, classes: tuple[str, ...], seed: int, shard: int, rows: int
    ) -> Iterator[pa.Table]:
        """Arrow tables in the dataset's schema, of at most ``rows`` rows and at least one table:
        one after another, so that a shard is not in memory twice."""
        for start in range(0, max(1, len(self)), rows):
            part = np.arange(start, min(start + rows, len(self)))
            yield self.take(part)._to_table(classes, seed, shard)

    def _to_table(self, classes: tuple[str, ...], seed: int, shard: int) -> pa.Table:
        scores = tuple(self.scores)
        thrown = self.reasons is not None
        features = make_features(classes, scores, reason=thrown, columns=self.columns)
        schema = arrow_schema(features)
        count = len(self)
        columns = [_image_files(self.encoded), pa.array(self.labels, pa.int64())]
        for name in self.columns.fields:
            columns.append(pa.array(self.cells[name], schema.field(name).type))
        if self.columns.domain:
            columns.append(pa.array([self.columns.domain] * count, pa.string()))
        for name in self.columns.names[len(self.columns.fields) :]:
            columns.append(pa.array(self.cells[name], schema.field(name).type))
        columns += [
            pa.array(np.full(count, seed, np.int64)),
            pa.array(np.full(count, shard, np.int64)),
            pa.array(self.candidates, pa.int64()),
            pa.array(self.generator_classes, pa.int64()),
            pa.array(self.pixel_hashes, pa.int64()),
            *(pa.array(self.scores[name], score_type(name)) for name in scores),
        ]
        if self.reasons is not None:
            columns.append(pa.array(self.reasons, pa.string()))
        return pa.Table.from_arrays(columns, schema=schema)


def size_of(cell: Any) -> int:
    """About the bytes that a cell takes."""
    if isinstance(cell, dict):
        return sum(size_of(part) for part in cell.values())
    if isinstance(cell, list):
        return 4 * len(cell)
    return len(cell) if isinstance(cell, bytes | str) else 8


def _image_files(encoded: list[bytes]) -> pa.StructArray:
    """The column that ``datasets.Image`` reads."""
    paths = pa.nulls(len(encoded), pa.string())
    return pa.StructArray.from_arrays([pa.array(encoded, pa.binary()), paths], ["bytes", "path"])
