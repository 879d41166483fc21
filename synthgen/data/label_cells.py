"""What the cells of a label column say: one class for each image, or that there is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from synthgen.data.file_kinds import split_in_file_name
from synthgen.spec.errors import SynthgenError, name_list

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]\d+)?", re.IGNORECASE)
NOTHING = {"nan", "none", "null", "na", "n/a", "<na>", "nat", "-nan", "?", "inf", "-inf"}
"""What programs write in the place of a number that is missing."""

ITEM = r"""('[^']*'|"[^"]*"|-?\d+(\.\d*)?)"""
LISTED = re.compile(rf"\[\s*({ITEM}(\s*,\s*{ITEM})*)?\s*,?\s*\]")
"""A list as programs write it into a cell: ``['cat', 'dog']``."""

SEVERAL = {"labels", "tags", "classes", "categories", "label_list", "attributes", "findings"}
"""Columns whose name says that an image may have several."""

FEW_ROWS = 20
"""From so many rows on a column with another value in each is no column of classes."""

MEND = "mend the row or name another column with --label-column"


def label_text(value: Any, where: str, column: str) -> str:
    """A cell as a class name, without blanks around it; a list of one is that one.

    Raises:
        SynthgenError: it is empty, or no single value.
    """
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            value = [value]  # told below
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int | float) and str(value).strip():
        text = str(value).strip()
        if LISTED.fullmatch(text) is None:
            return text
        parts = [part.strip(" '\"") for part in text[1:-1].split(",") if part.strip(" '\"")]
        if len(parts) == 1:
            return parts[0]
        value = text if parts else ""
    if value in (None, "", [], {}) or str(value).isspace():
        shown = "is empty"
    else:
        shown = f"is {str(value)[:60]}, which is not one class"
    raise SynthgenError(
        f"{where}: column '{column}' {shown}; a label is a text or a whole number: {MEND}"
    )


def settled(
    texts: Sequence[str], where: str, column: str, holds: str = "holds numbers"
) -> tuple[list[str], list[str]]:
    """The class names that the texts of a label column stand for, and notes on what was changed:
    ``1.0`` among numbers is the class 1.

    ``holds`` says what the column has by its type, for an error.

    Raises:
        SynthgenError: the column names no classes, or several for an image.
    """
    counts = Counter(texts)
    numbers = [text for text in counts if NUMBER.fullmatch(text)]
    missing = [text for text in counts if text.lower() in NOTHING]
    if numbers and len(numbers) + len(missing) == len(counts):
        if missing:
            row = texts.index(missing[0]) + 1
            raise SynthgenError(
                f"{where}: row {row} has '{missing[0]}' in column '{column}', which is numbers "
                f"elsewhere: it has no label; {MEND}, or leave such rows out"
            )
        return _whole(texts, numbers, where, column, holds)
    _refuse_joined(texts, counts, where, column)
    if len(counts) == len(texts) >= FEW_ROWS:
        raise SynthgenError(
            f"{where}: column '{column}' has another value in each of {len(texts):,} rows "
            f"({name_list(list(counts)[:2])}), so it names no classes; name the column of classes "
            "with --label-column, or read all images as one class with --structure flat"
        )
    notes = [
        f"'{text}' in column '{column}' is read as a class of {counts[text]:,} images; if it says "
        "'no label', leave it out with --classes"
        for text in missing
    ]
    return list(texts), notes


def _whole(
    texts: Sequence[str], numbers: Sequence[str], where: str, column: str, holds: str
) -> tuple[list[str], list[str]]:
    """Whole numbers that are written with a point, without it."""
    pointed = [text for text in numbers if not text.lstrip("+-").isdigit()]
    if not pointed:
        return list(texts), []
    broken = [text for text in pointed if not float(text).is_integer()]
    if broken:
        raise SynthgenError(
            f"{where}: label column '{column}' {holds} with fractions ({name_list(broken, 3)}), "
            "which name no classes; name another column with --label-column, or write the class of "
            "each image as a word"
        )
    plain = {text: str(int(float(text))) if text in set(pointed) else text for text in numbers}
    return [plain[text] for text in texts], [
        f"column '{column}' has whole numbers with a point ({pointed[0]}): read as "
        f"{plain[pointed[0]]}"
    ]


def _refuse_joined(
    texts: Sequence[str], counts: Mapping[str, int], where: str, column: str
) -> None:
    """Nothing, if no text is made of several of the others.

    Raises:
        SynthgenError: one is: the images have several labels each.
    """
    plural = column.lower() in SEVERAL
    for text in counts:
        for sign in ("|", ";", ",", "/", "+", "&", " "):
            parts = [part.strip() for part in text.split(sign) if part.strip()]
            if len(parts) < 2 or sign not in text:
                continue
            alone = [part in counts for part in parts]
            strict = sign not in ("|", ";") and not plural
            if all(alone) if strict else any(alone):
                raise SynthgenError(
                    f"{where}: row {texts.index(text) + 1} has '{text[:60]}' in column '{column}', "
                    f"and '{parts[alone.index(True)]}' is a label too: here an image has one "
                    "class. Give such rows a name of their own (a_and_b), leave them out, or name "
                    "another column with --label-column"
                )


def one_of_columns(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bool:
    """Whether the columns are the classes themselves: exactly one of them is 1 in each row, and all
    others 0. Columns that tell splits are none.

    Raises:
        SynthgenError: all columns are 0 or 1, but a row has none or several.
    """
    if len(columns) < 2 or any(split_in_file_name((name,)) for name in columns):
        return False
    for record in records:
        if not all(_bit(record.get(name)) is not None for name in columns):
            return False
    for row, record in enumerate(records, 1):
        count = sum(bool(_bit(record.get(name))) for name in columns)
        if count != 1:
            raise SynthgenError(
                f"columns {name_list(columns, 6)} are 0 or 1, and row {row} has "
                f"{count} of them, not one: an image has one class here; name the column to learn "
                "with --label-column (its classes are then 0 and 1), or read all images as one "
                "class with --structure flat"
            )
    return True


def column_that_is_one(record: Mapping[str, Any], columns: Sequence[str]) -> str:
    """The column that is 1 in a row, where :func:`one_of_columns` holds."""
    return next(name for name in columns if _bit(record.get(name)))


def _bit(value: Any) -> bool | None:
    """0 or 1, however it is written; ``None`` for anything else."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("1", "1.0", "true"):
        return True
    return False if text in ("0", "0.0", "false") else None
