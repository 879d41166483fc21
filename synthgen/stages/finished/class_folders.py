"""Class folders of an export: names that every file system takes, and a table that gives each class
its own name again."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

LONGEST_FOLDER = 100
"""Bytes of a class folder's name."""

CSV, PARQUET, JSONL = "metadata.csv", "metadata.parquet", "metadata.jsonl"

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names of devices, which no folder of Windows may have."""

MISREAD = re.compile(
    r"\s*([-+]?(\d[\d_,]*\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?(nan|inf|infinity)|#?n/?a|<na>|#n/a n/a|"
    r"null|none|true|false|[-+]?1\.#(ind|qnan)|\d[\d/:. tz+-]*)\s*",
    re.IGNORECASE,
)
"""Text that a reader of CSV may take for a number, a date, a truth value or for nothing."""


DATE = re.compile(r"\d{4}-\d\d(-\d\d)?([T ].*)?")
"""Text that readers of JSON take for a date."""


def folder_names(classes: Sequence[str]) -> list[str]:
    """A folder's name for each class, different from each other on every file system."""
    made = [folder_name(label, name) for label, name in enumerate(classes)]
    taken: dict[str, int] = {}
    for name in made:
        key = unicodedata.normalize("NFKC", name).casefold()
        taken[key] = taken.get(key, 0) + 1
    return [
        name
        if taken[unicodedata.normalize("NFKC", name).casefold()] == 1
        else _numbered(label, name)
        for label, name in enumerate(made)
    ]


def folder_name(label: int, name: str) -> str:
    """A class' folder: its name where that is a plain and short one, else its number and what is
    plain of the name."""
    plain = "".join(c if _is_plain(c) else "_" for c in name).strip(" .")
    taken = name in ("", CSV, PARQUET, JSONL) or RESERVED.fullmatch(name)
    if plain == name and not taken and len(name.encode()) <= LONGEST_FOLDER:
        return name
    return _numbered(label, plain)


def _is_plain(char: str) -> bool:
    """Letters, their marks and numbers of any script, and a few signs."""
    return char in " -_." or unicodedata.category(char)[0] in "LMN"


def _numbered(label: int, plain: str) -> str:
    return f"{label:04d}_{plain}".encode()[:LONGEST_FOLDER].decode(errors="ignore")


def metadata_name(classes: Sequence[str], cells: Iterable[Any] | None = None) -> str:
    """The table beside the folders: CSV, which people can read, unless a class' name would come
    back from it as something else. JSON lines, which tell text from numbers and both from nothing,
    where there are ``cells`` of others' columns, unless one of them or a class' name is a date."""
    if cells is not None:
        texts = (text for part in (classes, cells) for text in part if isinstance(text, str))
        return PARQUET if any(DATE.fullmatch(text) for text in texts) else JSONL
    misread = any(not name.strip() or MISREAD.fullmatch(name) for name in classes)
    return PARQUET if misread else CSV


def table_bytes(records: Sequence[dict[str, Any]], name: str) -> bytes:
    """The table as a file of this name; the columns are those of the first record."""
    if name == PARQUET:
        import pyarrow as pa
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(list(records)), buffer)
        return buffer.getvalue()
    if name == JSONL:
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        return "".join(lines).encode()
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()
