"""Captions of rows: a column of texts or of lists of texts, or a ``.txt`` beside each image."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthgen.data.decode import BadImage
from synthgen.data.extended import Extended
from synthgen.data.sources import Source, TreeSource
from synthgen.data.understood import Column, LeftOut
from synthgen.spec.errors import (
    SynthgenError,
    did_you_mean,
    name_list,
    on_one_line,
    printable,
)
from synthgen.spec.texts import Text, words_of

FIELD = "caption"
"""The field, and the column that a source of captions has."""
NAMES = (FIELD, "captions", "text", "texts", "description", "prompt", "title")
"""Names of columns that hold captions, the likeliest first."""
MOST = 16
"""Captions of a row that are kept."""
LONGEST = 512
"""Bytes of a caption that are kept."""
BLOCK = 64
"""Lengths are multiples of so many bytes."""
SHOWN = 60
"""Letters of the longest caption that a line shows."""


class Chosen:
    """Some rows of a source."""

    def __init__(self, source: Source, rows: Sequence[int], left_out: Sequence[LeftOut]) -> None:
        """``left_out`` are the others, as they are told of."""
        self.name, self.classes = source.name, source.classes
        self.labels = source.labels[np.asarray(rows, dtype=np.int64)]
        self._source, self._rows = source, rows
        about = source.understood
        self.understood = replace(about, left_out=(*about.left_out, *left_out))

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """The image's bytes, or why there are none, and where it came from, for each row."""
        return self._source.encoded([self._rows[row] for row in rows])

    def where(self, row: int) -> str:
        """Where a row came from."""
        return self._source.where(self._rows[row])

    def quick_key(self) -> str | None:
        """Text that changes when the images may have changed, or others are chosen."""
        key = self._source.quick_key()
        return None if key is None else f"{key}\nrows {list(self._rows)}"

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """What a column says of each row."""
        return self._source.values(column, [self._rows[row] for row in rows])


@dataclass(frozen=True)
class _Found:
    """Captions of each row of a source, and where they were found."""

    rows: Sequence[list[str]]
    column: str
    """Empty where they lie in files beside the images."""

    @property
    def where(self) -> str:
        return f"column '{self.column}'" if self.column else ".txt files beside the images"


def captioned(source: Source, asked: str | None = None, known: Text | None = None) -> Source:
    """The rows of a source that have a caption, with their captions as the column :data:`FIELD`.

    ``asked`` names the column; by default it is the likeliest of :data:`NAMES`, or a ``.txt`` of
    the same stem lies beside each image, a caption a line. With a ``known`` field, which a
    generator takes, a row has the first of its captions alone.

    Raises:
        SynthgenError: there is no such column, or no row has a caption.
    """
    found = _found(source, asked)
    rows = [row for row, own in enumerate(found.rows) if own]
    if not rows:
        raise SynthgenError(f"{source.name}: {found.where}: no row has a caption")
    kept = [found.rows[row] for row in rows]
    field = known.single if known is not None else _field_of(kept)
    notes = [_told(found, kept)]
    long = sum(not field.fits(text) for own in kept for text in own[: field.several])
    if long:
        notes.append(f"{long:,} captions are longer than {field.length} bytes, and are cut there")
    more = sum(len(own) > field.several for own in kept)
    if more:
        few = "the first" if field.several == 1 else f"the first {field.several}"
        notes.append(f"{more:,} rows have more captions: {few} are read of each")
    captions = np.empty(len(rows), dtype=object)
    for place, own in enumerate(kept):
        captions[place] = own[0] if field.several == 1 else own[: field.several]
    lost = [row for row, own in enumerate(found.rows) if not own]
    left = [LeftOut(len(lost), "rows", "without a caption", printable(source.where(lost[0])))
            for _ in lost[:1]]  # fmt: skip
    used = [found.column] if found.column else []
    column = Column(FIELD, "text", offers=field)
    return Extended(Chosen(source, rows, left), column, captions, notes, used)


def _found(source: Source, asked: str | None) -> _Found:
    columns = {each.name: each for each in source.understood.columns}
    if asked is not None and asked not in columns:
        raise SynthgenError(
            f"{source.name}: no column '{asked}' (there are {name_list(columns) or 'none'})"
            f"{did_you_mean(asked, columns)}; name that of the captions with --field {FIELD}=COLUMN"
        )
    name = asked or next((each for each in NAMES if each in columns), None)
    if name is not None:
        values = source.values(name, range(len(source.labels)))
        return _Found([_texts(value, columns[name]) for value in values], name)
    beside = [_beside(source, row) for row in range(len(source.labels))]
    if any(beside):
        return _Found(beside, "")
    raise SynthgenError(
        f"{source.name}: no captions: there is no column {name_list(NAMES)} and no .txt beside the "
        f"images; name the column with --field {FIELD}=COLUMN (there are "
        f"{name_list(columns) or 'none'})"
    )


def _texts(value: Any, column: Column) -> list[str]:
    """The captions that a cell holds; none in an empty one."""
    if column.kind == "class label" and column.names and isinstance(value, int):
        value = column.names[value] if 0 <= value < len(column.names) else None
    if isinstance(value, str) and value[:1] == "[":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = [value]
    listed = value if isinstance(value, list | tuple) else [value]
    texts = [" ".join(each.split()) for each in listed if isinstance(each, str)]
    if not texts and any(each is not None for each in listed):
        raise SynthgenError(f"column '{column.name}' holds no texts, for example {value!r:.40}")
    return [text for text in texts if words_of(text)]


def _beside(source: Source, row: int) -> list[str]:
    """The lines of the ``.txt`` that has the stem of a row's image."""
    content = source.beside(row, ".txt") if isinstance(source, TreeSource) else None
    lines = (content or b"").decode("utf-8-sig", errors="replace").splitlines()
    return [text for line in lines if words_of(text := " ".join(line.split()))]


def _field_of(captions: Sequence[Sequence[str]]) -> Text:
    longest = max(len(text.encode()) for own in captions for text in own)
    length = min(LONGEST, -(-longest // BLOCK) * BLOCK)
    return Text(length, several=min(MOST, max(map(len, captions))))


def _told(found: _Found, captions: Sequence[Sequence[str]]) -> str:
    """What was understood, in one line."""
    every = [text for own in captions for text in own]
    counts = Counter(word for text in every for word in words_of(text))
    longest = max(every, key=len)
    shown = longest if len(longest) <= SHOWN else longest[:SHOWN] + "…"
    each = Counter(map(len, captions))
    per = f"{min(each)}" if len(each) == 1 else f"{min(each)} to {max(each)}"
    return (
        f"{len(every):,} captions of {len(captions):,} rows ({per} each) from {found.where}: "
        f"{len(set(every)):,} different, {len(counts):,} words, the longest has {len(longest)} "
        f"letters: '{on_one_line(shown)}'"
    )
