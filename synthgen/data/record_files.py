"""Rows of files that say something of images: dialects of CSV, forms of JSON, lists of text.

A value that is text in the file stays text as it stands: ``NA`` and ``007`` are names like any
other.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from synthgen.data.file_kinds import ending, file_kind
from synthgen.data.listing import Files, Parts
from synthgen.spec.errors import SynthgenError

FILE_COLUMNS = ("file_name", "filename", "file", "path", "image", "image_path", "filepath", "img",
                "image_id", "id", "name", "image_name", "file_path", "img_path")  # fmt: skip

LARGEST = 1 << 30
"""Bytes of a label file that is read."""

MOST_CELLS = 12
"""A line of a text file with more words than this is a sentence, and no row."""

SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
"""The first line by which spreadsheets tell each other the separator."""

SPREADSHEETS = {".xlsx", ".xls", ".ods", ".xlsm", ".numbers"}

Row = dict[str, Any]


class NoRows(Exception):
    """A file that holds no rows; the text says why."""


def read_records(parts: Parts, files: Files) -> list[Row]:
    """The rows of a label file, one mapping of column to value each.

    Raises:
        NoRows: it is none, or cannot be read.
        SynthgenError: two of its columns have one name and differ.
    """
    last, raw = ending(parts[-1]), files.read(parts)
    if last in SPREADSHEETS:
        raise NoRows("is a spreadsheet, which is not read; save it as CSV")
    if not isinstance(raw, bytes):
        raise NoRows(str(raw))
    if len(raw) > LARGEST:
        raise NoRows("is too large for a label file")
    if file_kind(parts[-1]) == "table":
        return _from_table(raw, last)
    text = _decoded(raw)
    if not text.strip():
        raise NoRows("is empty")
    try:
        if last in (".csv", ".tsv"):
            return _from_csv(text, "\t" if last == ".tsv" else None, files.where(parts))
        if last == ".txt":
            return _from_list(text, files.where(parts))
        if last in (".jsonl", ".ndjson"):
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            return [row for row in rows if isinstance(row, dict)]
        return _from_json(json.loads(text))
    except (ValueError, csv.Error, RecursionError) as error:
        kind = last[1:].upper().replace("JSONL", "JSON lines")
        reason = " ".join(str(error).split())[:80]
        raise NoRows(f"cannot be read as {kind} ({reason})") from None


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):  # as Windows' editors write "Unicode"
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Spreadsheets of Western systems; every byte has a meaning in it.
        return raw.decode("cp1252", errors="replace")


def _from_csv(text: str, delimiter: str | None, where: str) -> list[Row]:
    told = SEPARATOR_LINE.match(text)
    if told is not None:
        delimiter, text = told[1], text[told.end() :]
    while text.startswith("#"):
        begun, _, rest = text.partition("\n")
        if _names_file(begun.lstrip("# ").split(delimiter or ",")):
            text = begun.lstrip("# ") + "\n" + rest  # a header behind a sign of comments
            break
        text = rest
    first = text.partition("\n")[0]
    if delimiter is None:
        delimiter = max(",;\t|", key=first.count)
    file = io.StringIO(text, newline="")
    rows = [row for row in csv.reader(file, delimiter=delimiter, skipinitialspace=True) if row]
    return _headed(rows, where)


def _names_file(cells: Sequence[str]) -> bool:
    return any(cell.strip().lower() in FILE_COLUMNS for cell in cells)


def _headed(rows: Sequence[Sequence[str]], where: str) -> list[Row]:
    """Rows by the names in the first one; by names of their place where that names an image."""
    if not rows:
        return []
    header = [cell.strip() for cell in rows[0]]
    begin = 1
    if any(_is_picture(cell) for cell in header):
        header, begin = _by_place(len(header)), 0
    double = [name for name, count in Counter(header).items() if count > 1 and name]
    for name in double:
        places = [place for place, each in enumerate(header) if each == name]
        for number, row in enumerate(rows[begin:], 1):
            if len({row[place] for place in places if place < len(row)}) > 1:
                raise SynthgenError(
                    f"{where}: has two columns '{name}', which differ in row {number}; give each a "
                    "name of its own"
                )
    return [dict(zip(header, row, strict=False)) for row in rows[begin:]]


def _by_place(count: int) -> list[str]:
    return ["file_name", "label", *(f"column_{k}" for k in range(2, count))][:count]


def _is_picture(cell: str) -> bool:
    """Whether a cell is the name of an image with an ending; ``3.5`` is a number."""
    last = ending(cell.strip())
    return bool(last) and not last[1:].isdigit() and file_kind(cell.strip()) == "picture"


def _from_list(text: str, where: str) -> list[Row]:
    """Lines of an image's name and what is said of it. A list of names alone has no rows."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    for delimiter in ("\t", ",", ";", None):
        rows = [line.split(delimiter) for line in lines]
        rows = [[cell.strip() for cell in row] for row in rows]
        if delimiter is None and len(rows[0]) > 2 and _is_picture(" ".join(rows[0][:-1])):
            rows = [line.rsplit(None, 1) for line in lines]  # names with blanks
        count = len(rows[-1])
        if 1 < count <= MOST_CELLS and all(len(row) == count for row in rows):
            break
    else:
        raise NoRows("is a text without columns")
    if any(_is_picture(cell) for row in rows[:20] for cell in row[1:]):
        raise NoRows("does not begin its lines with the name of an image")
    if _names_file(rows[0]):
        return _headed(rows, where)
    return [dict(zip(_by_place(count), row, strict=True)) for row in rows]


def _from_table(raw: bytes, last: str) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if last in (".arrow", ".feather"):
            table = pa.ipc.open_file(io.BytesIO(raw)).read_all()
        else:
            table = pq.read_table(io.BytesIO(raw))
    except (pa.ArrowException, OSError, ValueError):
        raise NoRows("cannot be read as a table") from None
    rows: list[Row] = table.to_pylist()
    return rows


def _from_json(value: Any) -> list[Row]:
    """Records of the JSON forms in use: a list of records, alone or under a key of its own;
    ``{"labels": [[file, label], …]}`` of StyleGAN's tools, ``{"classes": […], "labels": {file:
    index}}`` of FiftyOne, ``{file: label}``, ``{file: record}``, ``{label: [file, …]}``, and the
    columns of data frames.
    """
    if isinstance(value, list):
        return [record for record in value if isinstance(record, dict)]
    if not isinstance(value, dict) or not value:
        return []
    labels, classes = value.get("labels"), value.get("classes")
    if isinstance(labels, list) and all(isinstance(p, list) and len(p) == 2 for p in labels):
        return [{"file_name": name, "label": label} for name, label in labels]
    if isinstance(labels, dict) and not _names_file(list(value)):
        known = classes if isinstance(classes, list) else None
        return [{"file_name": f, "label": _named(k, known)} for f, k in labels.items()]
    if all(isinstance(each, str | int) for each in value.values()):
        return [{"file_name": file, "label": label} for file, label in value.items()]
    return _from_nested(value)


def _from_nested(value: Mapping[str, Any]) -> list[Row]:
    inner = list(value.values())
    if _names_file(list(value)):
        if all(isinstance(each, dict) for each in inner):
            columns = {name: list(each.values()) for name, each in value.items()}
        else:
            columns = {name: each for name, each in value.items() if isinstance(each, list)}
        if len({len(each) for each in columns.values()}) == 1:
            return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(),
                    strict=True)]  # fmt: skip
        return []
    if all(isinstance(each, dict) for each in inner):
        return [{"file_name": file, **record} for file, record in value.items()]
    if all(isinstance(each, list) and all(isinstance(f, str) for f in each) for each in inner):
        return [{"file_name": f, "label": name} for name, each in value.items() for f in each]
    lists = [each for each in inner if isinstance(each, list)
             and each and all(isinstance(record, dict) for record in each)]  # fmt: skip
    return lists[0] if len(lists) == 1 else []


def _named(label: Any, classes: list[Any] | None) -> Any:
    if classes and isinstance(label, int) and 0 <= label < len(classes):
        return classes[label]
    return label
