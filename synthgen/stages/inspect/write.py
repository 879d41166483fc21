"""Images as training will see them, as an ordinary dataset folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from synthgen.data.cache import ImageData
from synthgen.data.sources import Source
from synthgen.data.splits import hold_out
from synthgen.dataset.encoding.images import encode
from synthgen.dataset.schema import arrow_schema
from synthgen.dataset.sheet import COLUMNS, contact_sheet
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.inspect import InspectSettings
from synthgen.stages.finished.class_folders import folder_names
from synthgen.stages.inspect.repeated import Repeated
from synthgen.storage.place import lies_in, path_here, place
from synthgen.storage.put_folder import put_folder, staging_beside

ROWS = 10_000
"""Rows of one file."""

TOGETHER = 500
"""Rows that are encoded at a time."""

SHOWN = 48
"""Images of a class' contact sheet."""

TYPES = {"text": "string", "whole number": "int64", "number": "float64"}


def write_dataset(
    data: ImageData, source: Source, repeated: Repeated, settings: InspectSettings
) -> str:
    """The folder's path. It holds ``data/SPLIT-*.parquet``, ``README.md`` and a contact sheet of
    each class in ``report/``.

    With ``set_aside`` that share of each class is in the split ``test``; an image whose pixels are
    in ``train`` too stays there.

    Raises:
        SynthgenError: the folder is not empty, lies in the data, or is on a store.
    """
    out = path_here(str(settings.out), "the dataset of an inspection").expanduser()
    if lies_in(out, place(settings.data)):
        raise SynthgenError(f"{out}: lies in the data that is read; name another folder")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SynthgenError(f"{out}: is not empty; name another folder with --out")
    if out.exists():
        out.rmdir()
    parts = {"train": np.arange(len(data.labels))}
    if settings.set_aside is not None:
        parts = _divided(data.labels, repeated, settings.set_aside, settings.seed)
    columns, values = _others(data, source)
    staging = staging_beside(out)
    (staging / "data").mkdir(parents=True)
    features = _features(data.classes, columns)
    schema = arrow_schema(features)
    for split, rows in parts.items():
        files = max(1, -(-len(rows) // ROWS))
        for number in range(files):
            own = rows[number * ROWS : (number + 1) * ROWS]
            name = f"{split}-{number:05d}-of-{files:05d}.parquet"
            _write(staging / "data" / name, schema, data, values, own)
    _sheets(staging / "report", data)
    (staging / ".synthgen").mkdir()
    (staging / ".synthgen" / "inspected.json").write_text(
        json.dumps({"data": data.name, "fingerprint": data.fingerprint}), encoding="utf-8"
    )
    (staging / "README.md").write_text(_card(data, features, parts), encoding="utf-8")
    put_folder(staging, out)
    return str(out)


def _divided(
    labels: np.ndarray, repeated: Repeated, share: float, seed: int
) -> dict[str, np.ndarray]:
    trained, held = hold_out(labels, share, seed)
    # The one image of a class is on both sides; what train shows as well tests nothing.
    shown = set(repeated.first[trained].tolist())
    kept = np.array([row for row in held.tolist() if repeated.first[row] not in shown], np.int64)
    if not len(kept):
        raise SynthgenError("set_aside: no class has an image to set aside; give more images")
    return {"train": np.setdiff1d(np.arange(len(labels)), kept), "test": kept}


def _others(data: ImageData, source: Source) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """Types and values of the other columns that are text or numbers."""
    types: dict[str, str] = {}
    values: dict[str, list[Any]] = {}
    for column in source.understood.columns:
        if column.kind in TYPES and column.name not in ("image", "label"):
            found = source.values(column.name, data.rows.tolist())
            types[column.name] = TYPES[column.kind]
            values[column.name] = [_as(column.kind, value) for value in found]
    return types, values


def _as(kind: str, value: Any) -> Any:
    """A cell of a label file, where all is text, as its kind."""
    if value is None or value == "":
        return None
    return {"whole number": int, "number": float}.get(kind, str)(value)


def _features(classes: tuple[str, ...], columns: dict[str, str]) -> Any:
    import datasets

    return datasets.Features({
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=list(classes)),
        **{name: datasets.Value(kind) for name, kind in columns.items()},
    })  # fmt: skip


def _write(
    path: Path, schema: pa.Schema, data: ImageData, values: dict[str, list[Any]], rows: np.ndarray
) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for at in range(0, len(rows), TOGETHER):
            own = rows[at : at + TOGETHER]
            files = encode(np.ascontiguousarray(data.images[own]), "png")
            columns: dict[str, Any] = {
                "image": [{"bytes": file, "path": None} for file in files],
                "label": data.labels[own].tolist(),
                **{name: [cells[row] for row in own] for name, cells in values.items()},
            }
            writer.write_table(pa.Table.from_pydict(columns, schema=schema))


def _sheets(folder: Path, data: ImageData) -> None:
    """A contact sheet of each class: images spread evenly over it."""
    folder.mkdir()
    for label, name in enumerate(folder_names(data.classes)):
        rows = np.flatnonzero(data.labels == label)
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), SHOWN)).astype(int))]
        shown = np.array(data.images[rows])
        lines = [
            ("" if start else data.classes[label], shown[start : start + COLUMNS])
            for start in range(0, len(shown), COLUMNS)
        ]
        contact_sheet(lines).save(folder / f"{name}.png")


def _card(data: ImageData, features: Any, parts: Mapping[str, np.ndarray]) -> str:
    front = {
        "configs": [{"config_name": "default", "default": True, "data_files": [
            {"split": split, "path": f"data/{split}-*.parquet"} for split in parts]}],
        "dataset_info": [{"config_name": "default", "features": features._to_yaml_list(),
                          "splits": [{"name": split, "num_examples": len(rows)}
                                     for split, rows in parts.items()]}],
    }  # fmt: skip
    text = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    counts = ", ".join(f"{len(rows):,} {split}" for split, rows in parts.items())
    return (
        f"---\n{text}---\n\n# {len(data.labels):,} images of {len(data.classes)} classes\n\n"
        f"{data.image} images as synthgen reads them from the data set `{data.name}` ({counts}).\n"
    )
