"""Files that give images their labels: CSV, TSV, JSON and JSON Lines beside a folder of images."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthgen.data.file_kinds import ending, file_kind, split_meaning
from synthgen.data.listing import Files, Folder, Parts
from synthgen.data.understood import Column, Kind
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list

LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "class_name", "classname",
                 "class_id", "label_name", "category_name", "species", "breed", "y", "cls",
                 "label_id", "diagnosis", "tag", "type", "kind")  # fmt: skip
"""Names of label columns, the likeliest first."""

FILE_COLUMNS = ("file_name", "filename", "file", "path", "image", "image_path", "filepath", "img",
                "image_id", "id", "name", "image_name", "file_path", "img_path")  # fmt: skip

SPLIT_COLUMNS = {"split", "set", "subset", "partition", "fold", "data set", "dataset", "phase"}

TABLE_STEMS = {"metadata", "labels", "annotations", "train", "test", "validation", "val"}
"""Names of tables that may be the labels of images beside them."""

LARGEST = 1 << 30
"""Bytes of a label file that is read."""


@dataclass(frozen=True)
class LabelFile:
    """The records of a label file, a mapping of column to value for each image that it names."""

    where: str
    records: tuple[Mapping[str, Any], ...]
    file_column: str
    found: tuple[Parts | None, ...]
    """The image of each record; ``None`` if there is no such file."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns but that of the file names."""
        names: dict[str, None] = {}
        for record in self.records:
            names.update(dict.fromkeys(record))
        return tuple(name for name in names if name != self.file_column)


class ImageNames:
    """Images by what a label file may call them: path, file name, or file name without ending."""

    def __init__(self, images: Iterable[Parts], base: Parts) -> None:
        self._by: dict[str, Parts | None] = {}
        # The longer a name the surer; what two images share names neither.
        paths: dict[str, Parts] = {}
        for parts in images:
            below = parts[len(base) :]
            paths["/".join(below)] = parts
            stem = below[-1].rpartition(".")[0]
            for short in ("/".join((*below[:-1], stem)), below[-1], stem):
                self._by[short] = None if short in self._by else parts
        self._by.update(paths)

    def find(self, name: Any) -> Parts | None:
        """The image of this name; ``None`` if there is none, or more than one."""
        text = str(name).replace("\\", "/").removeprefix("./").strip()
        found = self._by.get(text)
        if found is None and text and not text.startswith("/"):
            found = self._by.get(text.rpartition("/")[2])
        return found


def label_files(folder: Folder, files: Files, images: Sequence[Parts]) -> list[LabelFile]:
    """The label files directly in a folder that name images below it.

    Raises:
        SynthgenError: one that is certainly meant as such (``metadata.csv``…) cannot be read.
    """
    names = ImageNames(images, folder.parts)
    found = []
    tables = [p for p in folder.own("table") if p[-1].partition(".")[0].lower() in TABLE_STEMS]
    for parts in (*folder.own("labels"), *tables):
        records = read_records(parts, files)
        file = _matched(records, names, files.where(parts)) if records else None
        if file is not None:
            found.append(file)
    return found


def _matched(
    records: Sequence[Mapping[str, Any]], names: ImageNames, where: str
) -> LabelFile | None:
    """The records with the column that names images; ``None`` if no column does."""
    columns = list(dict.fromkeys(name for record in records[:100] for name in record))
    likely = [name for name in columns if name.lower() in FILE_COLUMNS]
    best: tuple[int, str] | None = None
    for column in [*likely, *(name for name in columns if name not in likely)]:
        hits = sum(names.find(r[column]) is not None for r in records[:200] if column in r)
        if hits and (best is None or hits > best[0]):
            best = hits, column
    if best is None or best[0] * 2 < min(len(records), 200):
        return None
    found = tuple(names.find(record.get(best[1], "")) for record in records)
    return LabelFile(where, tuple(records), best[1], found)


def read_records(parts: Parts, files: Files) -> list[dict[str, Any]]:
    """The rows of a label file; empty if it is none."""
    raw = files.read(parts)
    if not isinstance(raw, bytes) or len(raw) > LARGEST:
        return []
    last = ending(parts[-1])
    if file_kind(parts[-1]) == "table":
        return _from_table(raw, last)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Spreadsheets of Western systems; every byte has a meaning in it.
        text = raw.decode("cp1252", errors="replace")
    try:
        if last in (".csv", ".tsv"):
            return _from_csv(text, "\t" if last == ".tsv" else None)
        if last in (".jsonl", ".ndjson"):
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            return [row for row in rows if isinstance(row, dict)]
        return _from_json(json.loads(text))
    except (ValueError, csv.Error, RecursionError):
        return []


def _from_csv(text: str, delimiter: str | None) -> list[dict[str, Any]]:
    """Rows as text, exactly as they stand: ``NA`` and ``007`` are names like any other."""
    first = text.partition("\n")[0]
    if delimiter is None:
        delimiter = max(",;\t|", key=first.count)
    file = io.StringIO(text, newline="")
    rows = [row for row in csv.reader(file, delimiter=delimiter, skipinitialspace=True) if row]
    if not rows:
        return []
    header = [cell.strip() for cell in rows[0]]
    if any(ending(cell) and file_kind(cell) == "picture" for cell in header):
        # No header: the first row names an image already.
        header = ["file_name", "label", *(f"column_{k}" for k in range(2, len(header)))]
        header, rows = header[: len(rows[0])], [[], *rows]
    return [dict(zip(header, row, strict=False)) for row in rows[1:]]


def _from_table(raw: bytes, last: str) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if last in (".arrow", ".feather"):
            table = pa.ipc.open_file(io.BytesIO(raw)).read_all()
        else:
            table = pq.read_table(io.BytesIO(raw))
    except (pa.ArrowException, OSError, ValueError):
        return []
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _from_json(value: Any) -> list[dict[str, Any]]:
    """Records of the JSON forms in use: a list of records, ``{"labels": [[file, label], …]}`` of
    StyleGAN's tools, ``{"classes": […], "labels": {file: index}}`` of FiftyOne, ``{file: label}``.
    """
    if isinstance(value, list):
        return [record for record in value if isinstance(record, dict)]
    if not isinstance(value, dict):
        return []
    labels, classes = value.get("labels"), value.get("classes")
    if isinstance(labels, list) and all(isinstance(p, list) and len(p) == 2 for p in labels):
        return [{"file_name": name, "label": label} for name, label in labels]
    if isinstance(labels, dict):
        known = classes if isinstance(classes, list) else None
        return [{"file_name": f, "label": _named(k, known)} for f, k in labels.items()]
    if value and all(isinstance(each, str | int) for each in value.values()):
        return [{"file_name": file, "label": label} for file, label in value.items()]
    return []


def _named(label: Any, classes: list[Any] | None) -> Any:
    if classes and isinstance(label, int) and 0 <= label < len(classes):
        return classes[label]
    return label


def split_column(file: LabelFile) -> str | None:
    """The column that says of each image which split it is of; ``None`` if there is none."""
    for name in file.columns:
        if name.lower() in SPLIT_COLUMNS and all(
            isinstance(record.get(name), str) and split_meaning(record[name])
            for record in file.records
        ):
            return name
    return None


def label_column_of(file: LabelFile, wanted: str | None, told: str | None = None) -> str | None:
    """The column of labels, as it is asked for or as it is called; ``None`` if there is no other
    column than that of the file names and that of the splits (``told``).

    Raises:
        SynthgenError: there is no such column, or which one it is cannot be told.
    """
    columns = tuple(name for name in file.columns if name != told)
    if wanted is not None:
        if wanted not in columns:
            hint = did_you_mean(wanted, columns)
            raise SynthgenError(
                f"{file.where}: no column '{wanted}' (there are {name_list(columns)}){hint} "
                "Name it with --label-column"
            )
        return wanted
    lower = {name.lower(): name for name in reversed(columns)}
    known = [lower[name] for name in LABEL_COLUMNS if name in lower]
    if known:
        return known[0]
    if len(columns) <= 1:
        return columns[0] if columns else None
    raise SynthgenError(
        f"{file.where}: which of the columns {name_list(columns)} holds the labels? Name it with "
        "--label-column, or read all images as one class with --structure flat"
    )


def label_text(value: Any, where: str, column: str) -> str:
    """A cell as a class name.

    Raises:
        SynthgenError: it is empty, or no single value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int) and str(value).strip():
        return str(value)
    shown = "is empty" if value in (None, "", [], {}) or str(value).isspace() else (
        f"is {str(value)[:60]}, which is not one class"
    )  # fmt: skip
    raise SynthgenError(
        f"{where}: column '{column}' {shown}; a label is a text or a whole number: mend the row or "
        "name another column with --label-column"
    )


def column_kinds(file: LabelFile) -> tuple[Column, ...]:
    """The columns but that of file names, each with what its values are."""
    made = []
    for name in file.columns:
        values = [record[name] for record in file.records if record.get(name) not in (None, "")]
        made.append(Column(name, _kind(values)))
    return tuple(made)


def _kind(values: Sequence[Any]) -> Kind:
    def all_are(convert: type) -> bool:
        try:
            for value in values:
                convert(value)
        except (ValueError, TypeError):
            return False
        return bool(values)

    if any(isinstance(value, list | dict) for value in values):
        return "other"
    if all_are(int) and not any(isinstance(value, float) for value in values):
        return "whole number"
    return "number" if all_are(float) else "text"
