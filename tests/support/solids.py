"""The toy world's solids in the forms in which people have theirs."""

from __future__ import annotations

import csv
from pathlib import Path

import datasets
import numpy as np
from PIL import Image
from toy_world import SHAPES, VIEWS, Toy, save

ANGLES = tuple(360.0 * view / VIEWS for view in range(VIEWS))


def binvox(grid: np.ndarray) -> bytes:
    """A file of a solid ``uint8 [S, S, S]`` (depth, row, column): planes of x, in them of z, in
    these upwards through y."""
    flat = grid[:, ::-1].transpose(2, 0, 1).reshape(-1)
    runs = bytearray()
    start = 0
    while start < len(flat):
        end = start
        while end < len(flat) and flat[end] == flat[start] and end - start < 255:
            end += 1
        runs += bytes([flat[start], end - start])
        start = end
    side = len(grid)
    head = f"#binvox 1\ndim {side} {side} {side}\ntranslate 0 0 0\nscale 1\ndata\n"
    return head.encode() + bytes(runs)


def write_solids(toy: Toy, folder: Path, *, classes: bool = True, form: str = "npy") -> Path:
    """Files of solids in class folders, or loose."""
    for row in range(len(toy)):
        kind = f"{SHAPES[toy.labels[row]]}/" if classes else ""
        path = folder / f"{kind}{row:04d}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if form == "npy":
            np.save(path, toy.voxels[row])
        else:
            path.write_bytes(binvox(toy.voxels[row]))
    return folder


def write_views(
    toy: Toy, folder: Path, *, solids: bool = True, classes: bool = True, angles: bool = True
) -> Path:
    """``views/`` with a folder for each object, ``views.csv`` with their angles, ``voxels/``."""
    rows = []
    for row in range(len(toy)):
        kind = f"{SHAPES[toy.labels[row]]}/" if classes else ""
        for view, angle in reversed(list(enumerate(ANGLES))):
            name = f"{kind}{row:04d}/{'abcd'[-view]}.png"  # no order of names is that of angles
            save(toy.views[row, view], folder / "views" / name)
            rows.append({"file_name": f"views/{name}", "angle": f"{angle:g}"})
    if solids:
        write_solids(toy, folder / "voxels", classes=classes)
    if angles:
        with (folder / "views.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["file_name", "angle"])
            writer.writeheader()
            writer.writerows(rows)
    return folder


def write_table(toy: Toy, folder: Path, form: str, *, views: bool = True) -> Path:
    """A Parquet file of solids, ``form`` being ``packed``, ``array`` or ``lists``, and of lists of
    views with their angles."""
    side = toy.voxels.shape[1]
    features: dict = {"label": datasets.ClassLabel(names=list(SHAPES))}
    columns: dict = {"label": toy.labels.tolist()}
    if form == "packed":
        features["voxels"] = datasets.Value("binary")
        columns["voxels"] = [np.packbits(each).tobytes() for each in toy.voxels]
    elif form == "array":
        features["shape"] = datasets.Array3D((side,) * 3, "bool")
        columns["shape"] = list(toy.voxels.astype(bool))
    elif form == "lists":
        features["voxels"] = datasets.Sequence(datasets.Value("uint8"))
        columns["voxels"] = [each.reshape(-1).tolist() for each in toy.voxels]
    if views:
        features["views"] = datasets.Sequence(datasets.Image())
        columns["views"] = [[Image.fromarray(view) for view in each] for each in toy.views]
        features["angles"] = datasets.Sequence(datasets.Value("float32"))
        columns["angles"] = [list(ANGLES)] * len(toy)
    folder.mkdir(parents=True, exist_ok=True)
    made = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    made.to_parquet(str(folder / "train.parquet"))
    return folder
