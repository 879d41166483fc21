"""Real images with labels, given or told by classifiers, as a dataset folder that others read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from synthgen.dataset.commit import disk_errors
from synthgen.dataset.encoding.images import encode
from synthgen.dataset.schema import arrow_schema
from synthgen.storage.whole import write_whole, written_whole

TOGETHER = 2048
"""Images that are encoded at once."""


@dataclass(frozen=True)
class Part:
    """Images of one origin with their labels."""

    images: np.ndarray
    """``uint8 [M, H, W, C]``, may be memory-mapped."""
    rows: np.ndarray
    """``int64 [N]``: those that are written."""
    labels: np.ndarray
    """``int64 [N]``, of these rows."""
    confidence: np.ndarray | None
    """``float32 [N]``; ``None`` where the labels were given."""


def write_labelled(
    folder: Path, classes: tuple[str, ...], parts: Sequence[Part], text: str
) -> None:
    """Write the parts, one after another, as ``data/train-00000-of-00001.parquet`` and a card with
    ``text``; nothing if the card is there. The columns: ``image``, ``label``, ``confidence`` (none
    where the label was given), ``given`` and ``row``, the image's place in its source.

    Raises:
        SynthgenError: the disk is full or cannot be written.
    """
    card = folder / "README.md"
    if card.exists():
        return
    features = _features(classes)
    schema = arrow_schema(features)
    file = folder / "data" / "train-00000-of-00001.parquet"
    with disk_errors(folder):
        with written_whole(file, lasting=True) as beside, pq.ParquetWriter(
            beside, schema, compression="zstd", use_dictionary=False, store_schema=True
        ) as writer:  # fmt: skip
            for table in _tables(parts, schema):
                writer.write_table(table)
        count = sum(len(part.rows) for part in parts)
        write_whole(card, _card(features, count, file.stat().st_size, text), lasting=True)


def _features(classes: tuple[str, ...]) -> Any:
    import datasets

    return datasets.Features({
        "image": datasets.Image(), "label": datasets.ClassLabel(names=list(classes)),
        "confidence": datasets.Value("float32"), "given": datasets.Value("bool"),
        "row": datasets.Value("int64"),
    })  # fmt: skip


def _tables(parts: Sequence[Part], schema: pa.Schema) -> Iterator[pa.Table]:
    for part in parts:
        for start in range(0, len(part.rows), TOGETHER):
            own = slice(start, start + TOGETHER)
            rows, given = part.rows[own], part.confidence is None
            encoded = encode(np.asarray(part.images[rows]), "png")
            paths = pa.nulls(len(rows), pa.string())
            image = pa.StructArray.from_arrays(
                [pa.array(encoded, pa.binary()), paths], ["bytes", "path"]
            )
            sure = (
                pa.nulls(len(rows), pa.float32())
                if part.confidence is None
                else pa.array(part.confidence[own], pa.float32())
            )
            columns = [
                image, pa.array(part.labels[own], pa.int64()), sure,
                pa.array([given] * len(rows), pa.bool_()), pa.array(rows, pa.int64()),
            ]  # fmt: skip
            yield pa.Table.from_arrays(columns, schema=schema)


def _card(features: Any, count: int, size: int, text: str) -> str:
    front = {
        "license": "other",
        "task_categories": ["image-classification"],
        "configs": [{
            "config_name": "default", "default": True,
            "data_files": [{"split": "train", "path": "data/train-*.parquet"}],
        }],
        "dataset_info": [{
            "config_name": "default", "features": features._to_yaml_list(),
            "splits": [{"name": "train", "num_bytes": size, "num_examples": count}],
            "download_size": size, "dataset_size": size,
        }],
    }  # fmt: skip
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{head}---\n\n{text}\n"
