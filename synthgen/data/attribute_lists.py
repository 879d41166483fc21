"""Lists of attributes beside a folder of images, in the form that CelebA has them.

Liu et al. 2015, arXiv:1411.7766: ``list_attr_celeba.txt`` has the number of images, then the names
of the attributes, then a line an image, -1 for no and 1 for yes. It is also found as a CSV.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from synthgen.spec.errors import SynthgenError

PATTERN = "list_attr*"
FOLDERS = (".", "Anno")
"""Where the list lies, from the folder of the data."""


def attribute_list(folder: Path) -> list[dict[str, Any]] | None:
    """A row for each image below the folder that a list of attributes names, ``file_name`` from the
    folder on; ``None`` if there is no such list.

    Raises:
        SynthgenError: the list cannot be read, or names no image that is there.
    """
    found = [path for each in FOLDERS for path in sorted((folder / each).glob(PATTERN))]
    lists = [path for path in found if path.suffix in (".txt", ".csv")]
    if not lists:
        return None
    path = lists[0]
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SynthgenError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    rows = _of_csv(lines) if path.suffix == ".csv" else _of_text(lines)
    if not rows:
        raise SynthgenError(
            f"{path}: is no list of attributes: the second line has their names, and each further "
            "one a file name and a number for each of them"
        )
    places = {file.name: file.relative_to(folder).as_posix() for file in _images(folder, rows)}
    kept = [{**row, "file_name": places[row["file_name"]]} for row in rows
            if row["file_name"] in places]  # fmt: skip
    if not kept:
        raise SynthgenError(f"{path}: names no image that is below {folder}")
    return kept


def _images(folder: Path, rows: list[dict[str, Any]]) -> list[Path]:
    """The files below the folder that rows name."""
    wanted = {row["file_name"] for row in rows}
    return [path for path in sorted(folder.rglob("*")) if path.name in wanted]


def _of_text(lines: list[str]) -> list[dict[str, Any]]:
    if len(lines) < 3 or not lines[0].strip().isdigit():
        return []
    names = lines[1].split()
    rows = []
    for line in lines[2:]:
        file, *values = line.split() or [""]
        if file and len(values) != len(names):
            return []
        if file:
            rows.append({"file_name": file, **dict(zip(names, values, strict=True))})
    return rows


def _of_csv(lines: list[str]) -> list[dict[str, Any]]:
    reader = csv.DictReader(lines)
    file = (reader.fieldnames or [""])[0]
    rows = list(reader)
    return [{"file_name": row.pop(file), **row} for row in rows]
