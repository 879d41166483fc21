"""Prompts out of a file: captions that images are to be made of, one a line or in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthgen.data.captions import NAMES
from synthgen.data.decode import BadImage
from synthgen.data.file_kinds import file_kind
from synthgen.data.listing import Parts
from synthgen.data.record_files import NoRows, read_records
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.texts import words_of
from synthgen.storage.place import Place, place

MOST = 100_000
"""Prompts of a file; they are on record in the dataset made of them."""


@dataclass(frozen=True)
class Prompts:
    """What a file of prompts holds."""

    rows: tuple[tuple[str, str], ...]
    """Text, and class where a table says one (else an empty text), in the file's order."""
    skipped: int
    """Lines or rows without a word."""

    def line(self) -> str:
        """What was understood, for a terminal."""
        different = len(set(self.rows))
        told = [f"{len(self.rows):,} prompt{'s' * (len(self.rows) > 1)}"]
        if self.skipped:
            several = "lines without a word are" if self.skipped > 1 else "line without a word is"
            told.append(f"{self.skipped:,} {several} skipped")
        if different < len(self.rows):
            again = len(self.rows) - different
            told.append(
                f"{again:,} {'are' if again > 1 else 'is'} there before: each is made as often as "
                "it is there"
            )
        return ", ".join(told)


class _One:
    """A file as the readers of label files take it."""

    def __init__(self, path: Place) -> None:
        self._path = path

    def read(self, parts: Parts) -> bytes | BadImage:
        return self._path.read_bytes()

    def where(self, parts: Parts) -> str:
        return str(self._path)

    def stamp(self, parts: Parts) -> str:
        return ""


def read_prompts(name: str, column: str | None = None, label: str | None = None) -> Prompts:
    """The prompts of a file: its lines, or a column of a CSV, JSON or Parquet table.

    Args:
        name: the file.
        column: the table's column of prompts; default: its only column of texts, or the likeliest
            by name.
        label: its column of classes; default: ``label``, if there is one.

    Raises:
        SynthgenError: it is missing, empty or no text, or has no such column.
    """
    path = place(name)
    if not path.is_file():
        raise SynthgenError(f"--prompts {name}: no such file")
    if file_kind(path.name) in ("labels", "table"):
        found = _of_table(path, column, label)
    else:
        try:
            lines = path.read_bytes().decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise SynthgenError(f"--prompts {name}: is no text in UTF-8") from None
        found = [(line, "") for line in lines]
    rows = tuple((" ".join(text.split()), kind) for text, kind in found if words_of(text))
    if not rows:
        raise SynthgenError(f"--prompts {name}: holds no prompt; write one a line")
    if len(rows) > MOST:
        raise SynthgenError(f"--prompts {name}: {len(rows):,} prompts; at most {MOST:,} are taken")
    return Prompts(rows, len(found) - len(rows))


def _of_table(path: Place, column: str | None, label: str | None) -> list[tuple[str, str]]:
    try:
        rows = read_records((path.name,), _One(path))
    except NoRows as error:
        raise SynthgenError(f"--prompts {path}: {error}") from None
    if not rows:
        raise SynthgenError(f"--prompts {path}: holds no rows")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if label is not None and label not in columns:
        raise _lacking(path, label, columns)
    text = _text_column(path, rows, columns, column, label or "label")
    return [(_cell(row, text), _cell(row, label or "label")) for row in rows]


def _text_column(
    path: Place, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], asked: str | None,
    label: str,
) -> str:  # fmt: skip
    if asked is not None:
        if asked not in columns:
            raise _lacking(path, asked, columns)
        return asked
    known = [name for name in NAMES if name in columns]
    texts = [n for n in columns if n != label and any(isinstance(r.get(n), str) for r in rows)]
    if known or len(texts) == 1:
        return (known or texts)[0]
    raise SynthgenError(
        f"--prompts {path}: which column has the prompts? Name it with --field caption=COLUMN "
        f"(there are {name_list(columns)})"
    )


def _lacking(path: Place, name: str, columns: Sequence[str]) -> SynthgenError:
    return SynthgenError(
        f"--prompts {path}: no column '{name}' (there are {name_list(columns)})"
        f"{did_you_mean(name, columns)}"
    )


def _cell(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else str(value).strip()
