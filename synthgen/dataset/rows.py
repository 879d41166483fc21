"""Rows of a shard before they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthgen.dataset.schema import arrow_schema, make_features


@dataclass(frozen=True)
class Rows:
    """Columns of equal length. All arrays but the scores are ``int64``; scores are ``float32``."""

    encoded: list[bytes]
    labels: np.ndarray
    candidates: np.ndarray
    generator_classes: np.ndarray
    pixel_hashes: np.ndarray
    scores: dict[str, np.ndarray]
    reasons: list[str] | None = None
    """Why each was thrown away; ``None`` for kept images."""

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
        )

    def to_table(self, classes: tuple[str, ...], seed: int, shard: int) -> pa.Table:
        """An Arrow table in the dataset's schema."""
        scores = tuple(self.scores)
        features = make_features(classes, scores, reason=self.reasons is not None)
        count = len(self)
        images = pa.StructArray.from_arrays(
            [pa.array(self.encoded, pa.binary()), pa.nulls(count, pa.string())], ["bytes", "path"]
        )
        columns = [
            images,
            pa.array(self.labels, pa.int64()),
            pa.array(np.full(count, seed, np.int64)),
            pa.array(np.full(count, shard, np.int64)),
            pa.array(self.candidates, pa.int64()),
            pa.array(self.generator_classes, pa.int64()),
            pa.array(self.pixel_hashes, pa.int64()),
            *(pa.array(self.scores[name], pa.float32()) for name in scores),
        ]
        if self.reasons is not None:
            columns.append(pa.array(self.reasons, pa.string()))
        return pa.Table.from_arrays(columns, schema=arrow_schema(features))
