"""Images with labels and other columns as a dataset folder that every command reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.data.carried import Carried
from synthgen.dataset.encoding.images import encode
from synthgen.dataset.schema import arrow_schema
from synthgen.spec.carried import named
from synthgen.storage.put_folder import put_folder, staging_beside

TOGETHER = 2048
"""Images that are encoded at once."""
TAKEN = ("image", "label")


@dataclass(frozen=True)
class Labels:
    """Rows' classes ``int64 [N]`` and their names."""

    labels: np.ndarray
    classes: tuple[str, ...]


def write_rows(
    folder: Path, images: np.ndarray, labels: Labels, carried: Carried | None = None
) -> None:  # fmt: skip
    """Write images ``uint8 [N, H, W, C]``, labels and what travels along as
    ``data/train-00000-of-00001.parquet``: the folder appears whole; nothing if it is there."""
    if folder.exists():
        return
    carried = carried or Carried()
    columns = named(carried.columns, TAKEN)
    schema = arrow_schema(_features(labels.classes, columns))
    staging = staging_beside(folder)
    (staging / "data").mkdir(parents=True)
    file = staging / "data" / "train-00000-of-00001.parquet"
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for own in _parts(len(images)):
            encoded = encode(np.ascontiguousarray(images[own]), "png")
            cells: dict[str, Any] = {
                "image": [{"bytes": each, "path": None} for each in encoded],
                "label": labels.labels[own].tolist(),
            }
            for name, column in columns.items():
                cells[name] = list(carried.cells[column.column][own])
            writer.write_table(pa.Table.from_pydict(cells, schema=schema))
    put_folder(staging, folder)


def _parts(count: int) -> Iterator[slice]:
    for start in range(0, count, TOGETHER):
        yield slice(start, start + TOGETHER)


def _features(classes: tuple[str, ...], columns: Mapping[str, Any]) -> Any:
    import datasets

    found: dict[str, Any] = {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=list(classes)),
    }
    for name, each in columns.items():
        names = list(each.names)
        kind = datasets.ClassLabel(names=names) if names else datasets.Value(each.dtype)
        found[name] = kind
    return datasets.Features(found)
