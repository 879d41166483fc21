"""What the values of one column say of rows: yes or no, a number, one of a few names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_CHOICES = 24
"""Different texts of a column that are choices; a column with more is a text."""

WORDS = {"yes": 1.0, "true": 1.0, "y": 1.0, "no": 0.0, "false": 0.0, "n": 0.0}
EMPTY = {"", "nan", "none", "null", "n/a", "na", "?", "unknown"}
SEPARATORS = (";", ",", "|", " ")


@dataclass(frozen=True)
class Said:
    """What was understood of one attribute."""

    name: str
    column: str
    """Where it was read."""
    values: np.ndarray
    """``float32 [N]``: a number, 0 or 1, or the index of a choice; ``nan`` where not known."""
    range: tuple[float, float] | None = None
    """Least and largest, of a number."""
    choices: tuple[str, ...] = ()
    minus: bool = False
    """Whether -1 was read as no."""

    def text(self) -> str:
        """In a few words, for a terminal."""
        known = self.values[~np.isnan(self.values)]
        lost = len(self.values) - len(known)
        missing = f", {lost:,} not known" if lost else ""
        if self.range is not None:
            return f"{self.name} ({self.range[0]:g} to {self.range[1]:g}{missing})"
        if self.choices:
            few = ", ".join(self.choices[:6]) + (", …" if len(self.choices) > 6 else "")
            return f"{self.name} (one of {few}{missing})"
        minus = ", -1 is no" if self.minus else ""
        share = f"{known.mean():.0%} yes" if len(known) else "none known"
        return f"{self.name} ({share}{minus}{missing})"


def said(
    name: str, column: str, values: Sequence[Any], names: Sequence[str] = (), *, plain: bool = False
) -> Said | str:
    """The values of one attribute, or why they are none.

    ``names`` are those of a class label, whose values are indices. ``plain`` takes values that are
    all the same, and numbers that no two rows share.
    """
    if any(isinstance(value, list | dict | bytes) for value in values):
        return "lists or files"
    cells = [None if _empty(value) else value for value in values]
    if names:
        cells = [None if v is None or not 0 <= int(v) < len(names) else names[int(v)]
                 for v in cells]  # fmt: skip
        if {n.lower() for n in names} <= set(WORDS) and len(names) == 2:
            names = ()
        else:
            return _chosen(name, column, cells, tuple(names), plain)
    there = {value for value in cells if value is not None}
    if not there:
        return "empty"
    if len(there) == 1 and not plain:
        return f"'{next(iter(there))!s:.20}' in all rows"
    numbers = _numbers(cells)
    if numbers is None:
        return _of_text(name, column, cells, plain)
    known = numbers[~np.isnan(numbers)]
    if not np.isfinite(known).all():
        return "a number is not finite"
    different = set(known.tolist())
    if different <= {-1.0, 1.0} and -1.0 in different:
        return Said(name, column, np.where(numbers == -1, 0, numbers).astype(np.float32),
                    minus=True)  # fmt: skip
    if different <= {-1.0, 0.0, 1.0}:
        numbers = np.where(numbers == -1, np.nan, numbers)
        return Said(name, column, numbers.astype(np.float32))
    whole = all(value.is_integer() for value in different)
    if whole and len(different) == len(known) and len(known) > MOST_CHOICES and not plain:
        return "another number in each row"
    low, high = float(known.min()), float(known.max())
    return Said(name, column, numbers.astype(np.float32), (low, high))


def _empty(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in EMPTY
    return value is None or (isinstance(value, float) and math.isnan(value))


def _numbers(cells: Sequence[Any]) -> np.ndarray | None:
    """``float64 [N]``, ``nan`` where there is nothing; ``None`` if a cell is no number."""
    found = np.full(len(cells), np.nan)
    for place, value in enumerate(cells):
        if value is None:
            continue
        word = WORDS.get(str(value).strip().lower())
        try:
            found[place] = float(value) if word is None else word
        except (TypeError, ValueError):
            return None
    return found


def _of_text(name: str, column: str, cells: Sequence[Any], plain: bool) -> Said | str:
    texts = [None if value is None else str(value).strip() for value in cells]
    different = sorted({text for text in texts if text is not None})
    if len(different) > MOST_CHOICES and not plain:
        return f"text, {len(different):,} different"
    return _chosen(name, column, texts, tuple(different), plain)


def _chosen(
    name: str, column: str, cells: Sequence[Any], choices: tuple[str, ...], plain: bool
) -> Said | str:
    if len(choices) > MOST_CHOICES and not plain:
        return f"{len(choices)} choices"
    index = {choice: float(place) for place, choice in enumerate(choices)}
    values = np.array([index.get(cell, np.nan) for cell in cells], dtype=np.float32)
    if len(np.unique(values[~np.isnan(values)])) < 2 and not plain:
        return "the same in all rows"
    return Said(name, column, values, choices=choices)


def tags_of(values: Sequence[Any]) -> list[list[str] | None] | None:
    """The tags of each row, ``None`` where they are not known; ``None`` of what are no tags.

    A row has a list, or a text: between semicolons, commas or bars, whichever the column has
    first, else between blanks.
    """
    there = [value for value in values if value is not None]
    if not there:
        return None
    if all(isinstance(value, list | tuple) for value in there):
        if not all(isinstance(tag, str) for value in there for tag in value):
            return None
        return [None if v is None else _cleaned(v) for v in values]
    if not all(isinstance(value, str) for value in there):
        return None
    by = next((s for s in SEPARATORS if any(s in value for value in there)), " ")
    return [None if v is None else _cleaned(v.split(by)) for v in values]


def _cleaned(tags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
