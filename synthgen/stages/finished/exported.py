"""Rows of a finished dataset as exports write them: files apart from values, classes by name."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest
from synthgen.machine.progress import Progress
from synthgen.spec.maps import Keypoints
from synthgen.spec.solids import Voxels
from synthgen.spec.vectors import Attributes
from synthgen.storage.tables import open_parquet

MARKS = {b"PNG": "png", b"WEBP": "webp", b"\xff\xd8": "jpg", b"NUMPY": "npy"}
"""What the first bytes of files have in them."""
TOLD = (Attributes, Keypoints, Voxels)
BATCH = 512


@dataclass(frozen=True)
class ExportedRow:
    """One image file, its label and everything else that the dataset says of it."""

    split: str
    number: int
    """Position in its split."""
    encoded: bytes
    files: dict[str, bytes]
    """Further columns that are files, by ``column.ending``."""
    label: int
    others: dict[str, Any]
    """Class labels that travelled along by their names, as text."""


def exported_rows(
    layout: Layout, manifest: Manifest, progress: Progress
) -> Iterator[tuple[str, list[ExportedRow]]]:
    """Each shard's name without its ending, and its rows, shard by shard in the plan's order."""
    plan, carried = manifest.plan, manifest.columns.carried
    named = {name: each.names for name, each in carried.items() if each.names}
    told = told_of(manifest)
    numbers = dict.fromkeys(plan.splits, 0)
    for shard in plan.shards:
        rows = []
        for batch in open_parquet(layout.data / shard.name).iter_batches(BATCH):
            for record in batch.to_pylist():
                image, label = record.pop("image")["bytes"], record.pop("label")
                for name, classes in named.items():
                    record[name] = None if record[name] is None else classes[record[name]]
                for name, field in told.items():
                    record[name] = _in_words(record[name], field)
                number = numbers[shard.split]
                rows.append(ExportedRow(shard.split, number, image, _files(record), label, record))
                numbers[shard.split] += 1
            progress.add(batch.num_rows)
        yield shard.name.removesuffix(".parquet"), rows


def told_of(manifest: Manifest) -> dict[str, Attributes | Keypoints | Voxels]:
    """The dataset's fields whose cells are written otherwise than they are stored, by column."""
    fields = manifest.columns.fields.items()
    return {name: field for name, field in fields if isinstance(field, TOLD)}


def _in_words(cell: Any, field: Attributes | Keypoints | Voxels) -> Any:
    """A cell of attributes, its choices by their names; of joints ``[x, y, seen]`` of each; of a
    solid the file ``.npy`` of ``bool [S, S, S]``."""
    if isinstance(field, Voxels):
        file = io.BytesIO()
        np.save(file, field.read(bytes(cell)).astype(bool))
        return file.getvalue()
    if isinstance(field, Keypoints):
        return [list(cell[at : at + 3]) for at in range(0, len(cell), 3)]
    return {
        name: field.choices[name][value] if name in field.choices and value is not None else value
        for name, value in cell.items()
    }


def _files(record: dict[str, Any]) -> dict[str, bytes]:
    """Take what are files out of a row: images, and plain bytes."""
    found = {}
    for name, value in list(record.items()):
        content = value.get("bytes") if isinstance(value, dict) else value
        if isinstance(content, bytes):
            del record[name]
            ending = next((e for mark, e in MARKS.items() if mark in content[:12]), "bin")
            found[f"{name}.{ending}"] = content
    return found
