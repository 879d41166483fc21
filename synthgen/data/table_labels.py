"""The labels of a table: every value by its name, whatever number a file gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from synthgen.data.class_names import checked
from synthgen.data.label_files import LABEL_COLUMNS
from synthgen.data.reading import refuse_minus_one
from synthgen.data.table_parts import Rows
from synthgen.data.understood import Kind
from synthgen.spec.errors import SynthgenError, name_list


class NoLabelColumn(SynthgenError):
    """A table has no column of class labels."""


def label_column(kinds: Mapping[str, Kind], image: str, name: str) -> str:
    """The one column of class labels, else the one that is called so.

    Raises:
        SynthgenError: which it is cannot be told.
    """
    found = [column for column, kind in kinds.items() if kind == "class label"]
    if len(found) == 1:
        return found[0]
    if "label" in kinds:
        return "label"
    if not found:
        called = [n for n in kinds if n.lower() in LABEL_COLUMNS and n != image]
        if len(called) == 1:
            return called[0]
    what = f"several class-label columns ({name_list(found)})" if found else "no class-label column"
    error = SynthgenError if found else NoLabelColumn
    raise error(
        f"{name}: has {what} among {name_list(kinds)}; name it with --label-column, or read all "
        "images as one class with --structure flat"
    )


def labels_of(
    rows: Rows, column: str, places: np.ndarray, name: str, classes_given: bool
) -> tuple[tuple[str, ...], np.ndarray]:
    """Classes and ``int64 [N]`` labels of the rows at ``places``.

    Class labels go by their names: files may give them other numbers. The order of the classes is
    that of the first file; of text and whole numbers it is the alphabetical and the numeric one.

    Raises:
        SynthgenError: a row has no label, or the column holds none.
    """
    kind = rows.kinds[column]
    if kind not in ("class label", "text", "whole number"):
        raise SynthgenError(
            f"{name}: label column '{column}' holds {rows.type_of(column)}; it must hold class "
            "labels, text or whole numbers: name another with --label-column"
        )
    names: list[str] = []
    order: dict[str, None] = {}
    named: set[bool] = set()
    for part, values in rows.by_part(column):
        known = part.class_names(column)
        named.add(known is not None)
        if known is not None:
            order.update(dict.fromkeys(checked(each, name) for each in known))
        names += _texts(values, known, column, name, len(names))
    if len(named) > 1:
        raise SynthgenError(
            f"{name}: column '{column}' has names for its numbers in some files, in others none; "
            "write all files with the same class labels"
        )
    names = [names[place] for place in places.tolist()]
    if named == {True}:
        classes = tuple(order)
        return classes, _indices(classes, names)
    if kind == "whole number":
        refuse_minus_one(names, f"{name}, column '{column}'", classes_given)
        classes = tuple(sorted(set(names), key=int))
    else:
        classes = tuple(sorted(set(names)))
    return classes, _indices(classes, names)


def _indices(classes: Sequence[str], names: Sequence[str]) -> np.ndarray:
    place = {name: index for index, name in enumerate(classes)}
    return np.asarray([place[each] for each in names], dtype=np.int64)


def _texts(
    values: Sequence[Any], known: Sequence[str] | None, column: str, name: str, before: int
) -> list[str]:
    """The class name of each row of a part; ``before`` rows come in the parts before."""
    cache: dict[Any, str] = {}
    made: list[str] = []
    for row, value in enumerate(values, before):
        if value not in cache:
            cache[value] = _text(value, known, column, f"{name}: row {row}")
        made.append(cache[value])
    return made


def _text(value: Any, known: Sequence[str] | None, column: str, where: str) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise SynthgenError(
            f"{where}: label column '{column}' is empty; mend the row or leave it out of the table"
        )
    if known is None:
        return checked(str(value), where)
    if isinstance(value, int) and value < 0:
        raise SynthgenError(
            f"{where} has no class ({value}) in column '{column}'; leave such rows out of the "
            "table, or read a split that has labels"
        )
    if not isinstance(value, int) or value >= len(known):
        raise SynthgenError(f"{where}: column '{column}' has the value {value}, which has no name")
    return checked(known[value], where)
