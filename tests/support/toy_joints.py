"""The toy world's joints in the forms in which people have them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow
from toy_world import JOINTS, LIMBS, SHAPES, Toy, save, write_coco

from synthgen.data.records import Records
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import TrainSettings
from synthgen.spec.task import Task
from synthgen.stages.train.offered import load_for
from synthgen.uses.registry import find_use


def hide(toy: Toy, every: int = 7) -> np.ndarray:
    """The toy's joints ``float32 [N, J, 3]``, one of every so many hidden: noughts."""
    joints = toy.keypoints.copy()
    joints.reshape(-1, 3)[::every] = 0
    return joints


def names(folder: Path, **more: object) -> None:
    """``joints.json``."""
    (folder / "joints.json").write_text(json.dumps({"joints": list(JOINTS), **more}))


def write_table(
    toy: Toy, joints: np.ndarray, folder: Path, *, visible: bool = True, label: bool = False
) -> Path:
    """A Parquet file with ``keypoints`` [J][2], -1 for what is hidden, and ``visible`` [J]."""
    folder.mkdir(parents=True)
    images = []
    for pixels in toy.images:
        file = io.BytesIO()
        Pillow.fromarray(pixels).save(file, "PNG")
        images.append({"bytes": file.getvalue(), "path": None})
    places = np.where(joints[:, :, 2:] > 0, joints[:, :, :2], -1)
    table = {"image": images, "keypoints": places.tolist(), "name": list(toy.captions)}
    if visible:
        table["visible"] = joints[:, :, 2].astype(np.int8).tolist()
    if label:
        table["label"] = [SHAPES[each] for each in toy.labels]
    pq.write_table(pa.table(table), folder / "rows.parquet")
    names(folder, skeleton=[list(limb) for limb in LIMBS])
    return folder


def write_columns(toy: Toy, joints: np.ndarray, folder: Path, *, label: bool = False) -> Path:
    """``metadata.csv`` with ``left_x``, ``left_y`` and so on; empty for what is hidden."""
    for row in range(len(toy)):
        save(toy.images[row], folder / f"{row:04d}.png")
    heads = [f"{name}_{axis}" for name in JOINTS for axis in "xy"]
    with (folder / "metadata.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["file_name", *heads, "name", *(["label"] if label else [])])
        for row in range(len(toy)):
            cells = [v if seen else "" for x, y, seen in joints[row].astype(float) for v in (x, y)]
            more = [SHAPES[toy.labels[row]]] if label else []
            lines.writerow([f"{row:04d}.png", *cells, toy.captions[row], *more])
    return folder


def write_lines(toy: Toy, joints: np.ndarray, folder: Path, *, by_name: bool = False) -> Path:
    """``metadata.jsonl`` with a list of [x, y, seen], or with a mapping of names to [x, y]."""
    lines = []
    for row in range(len(toy)):
        save(toy.images[row], folder / f"{row:04d}.png")
        cells = joints[row].astype(float).tolist()
        mapped = {n: c[:2] if c[2] else None for n, c in zip(JOINTS, cells, strict=True)}
        lines.append(
            {"file_name": f"{row:04d}.png", "keypoints": mapped if by_name else cells,
             "name": toy.captions[row]}
        )  # fmt: skip
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    if not by_name:
        names(folder)
    return folder


def write_annotations(toy: Toy, joints: np.ndarray, folder: Path) -> Path:
    """COCO's annotations; 0, 0, 0 for what is hidden."""
    folder.mkdir(parents=True)
    write_coco(toy, folder)
    path = folder / "annotations.json"
    record = json.loads(path.read_text())
    for mark, row in zip(record["annotations"], joints.astype(float), strict=True):
        mark["keypoints"] = [v for x, y, seen in row.tolist() for v in (x, y, 2 * seen)]
        mark["segmentation"] = []
    path.write_text(json.dumps(record))
    return folder


def load(folder: Path, **options: object) -> tuple[Records, Task]:
    """The rows as training reads them for people, and the task."""
    settings = TrainSettings.parse(
        {"use": "pose-to-person", "data": str(folder), "min_per_class": 1, **options}
    )
    return load_for(settings, find_use("pose-to-person"))


def refused(match: str, folder: Path, **options: object) -> None:
    """The rows are refused in one line that matches."""
    with pytest.raises(SynthgenError, match=match) as caught:
        load(folder, **options)
    assert "\n" not in str(caught.value)
