"""The labels of a table: every value by its name, whatever number a file gives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.data.class_names import WHOLE, checked, indexed
from synthgen.data.label_cells import column_that_is_one, label_text, one_of_columns, settled
from synthgen.data.label_files import LABEL_COLUMNS
from synthgen.data.reading import refuse_minus_one
from synthgen.data.table_parts import Rows, refuse_unknown
from synthgen.data.understood import Kind
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.settings.data import DataSettings


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


@dataclass(frozen=True)
class TableLabels:
    """The classes of a table's rows."""

    classes: tuple[str, ...]
    labels: np.ndarray
    """``int64 [N]``, indices into ``classes``."""
    columns: tuple[str, ...]
    """The columns that they are read from."""
    source: str
    """Where they come from, in words."""
    notes: tuple[str, ...] = ()


def table_labels(
    rows: Rows, settings: DataSettings, image: str, places: np.ndarray, name: str
) -> TableLabels:
    """Classes and labels of the rows at ``places``: of the column that is asked for, or that is
    called so, or of columns of which one is 1 in each row.

    Raises:
        SynthgenError: which column it is cannot be told, or one of its values names no class.
    """
    asked = settings.label_column
    if asked is None:
        found = _one_hot(rows, image, places, name)
        if found is not None:
            return found
    column = asked or label_column(rows.kinds, image, name)
    refuse_unknown(column, rows.kinds, name, "--label-column")
    return labels_of(rows, column, places, name, settings.classes is not None)


def _one_hot(rows: Rows, image: str, places: np.ndarray, name: str) -> TableLabels | None:
    columns = [each for each in rows.kinds if each != image and each.lower() not in ("id", "index")
               and not each.startswith(("__index_level_", "Unnamed: "))]  # fmt: skip
    known = [each for each in columns if each.lower() in LABEL_COLUMNS]
    kinds = {rows.kinds[each] for each in columns}
    if known or len(columns) < 2 or not kinds <= {"whole number", "number", "other"}:
        return None
    values = {c: [v for _, own in rows.by_part(c) for v in own] for c in columns}
    records = [{c: values[c][place] for c in columns} for place in places.tolist()]
    try:
        if not one_of_columns(records, columns):
            return None
    except SynthgenError as error:
        raise SynthgenError(f"{name}: {error}") from None
    names = [column_that_is_one(record, columns) for record in records]
    classes, labels = indexed([checked(each, name) for each in names])
    source = f"the classes are the columns {name_list(columns, 6)}"
    return TableLabels(classes, labels, tuple(columns), source)


def labels_of(
    rows: Rows, column: str, places: np.ndarray, name: str, classes_given: bool
) -> TableLabels:
    """Classes and labels of the rows at ``places`` by one column.

    Class labels go by their names: files may give them other numbers. The order of the classes is
    that of the first file, and those without a row are left out; of text and whole numbers it is
    the alphabetical and the numeric one.

    Raises:
        SynthgenError: a row has no label, or the column holds none.
    """
    kind = rows.kinds[column]
    if kind == "image":
        raise SynthgenError(
            f"{name}: label column '{column}' holds images; name another with --label-column"
        )
    names: list[str] = []
    order: dict[str, None] = {}
    named: set[bool] = set()
    for part, values in rows.by_part(column):
        known = part.class_names(column)
        named.add(known is not None)
        if known is not None:
            _refuse_doubles(known, column, name)
            order.update(dict.fromkeys(checked(each, name) for each in known))
        names += _texts(values, known, column, name, len(names))
    if len(named) > 1:
        raise SynthgenError(
            f"{name}: column '{column}' has names for its numbers in some files, in others none; "
            "write all files with the same class labels"
        )
    names = [names[place] for place in places.tolist()]
    source = f"label column '{column}'"
    if named == {True}:
        there = set(names)
        classes = tuple(each for each in order if each in there)
        empty = [each for each in order if each not in there]
        notes = [f"no image has the label {name_list([repr(e) for e in empty], 6)}, which column "
                 f"'{column}' has a name for: left out"] if empty else []  # fmt: skip
        return TableLabels(classes, _indices(classes, names), (column,), source, tuple(notes))
    names, notes = settled(names, name, column, f"holds {rows.type_of(column)}")
    if all(WHOLE.fullmatch(each) for each in set(names)):
        refuse_minus_one(names, f"{name}, column '{column}'", classes_given)
    classes, labels = indexed(names)
    return TableLabels(classes, labels, (column,), source, tuple(notes))


def _refuse_doubles(known: Sequence[str], column: str, name: str) -> None:
    double = next((each for each, count in Counter(known).items() if count > 1), None)
    if double is not None:
        raise SynthgenError(
            f"{name}: column '{column}' gives two of its numbers the same name '{double}'; give "
            "each class a name of its own"
        )


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
        key = value if not isinstance(value, list | dict) else str(value)
        if key not in cache:
            cache[key] = _text(value, known, column, f"{name}: row {row}")
        made.append(cache[key])
    return made


def _text(value: Any, known: Sequence[str] | None, column: str, where: str) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise SynthgenError(
            f"{where}: label column '{column}' is empty; mend the row or leave it out of the table"
        )
    if known is None:
        return checked(label_text(value, where, column), where)
    if isinstance(value, int) and value < 0:
        raise SynthgenError(
            f"{where} has no class ({value}) in column '{column}'; leave such rows out of the "
            "table, or read a split that has labels"
        )
    if not isinstance(value, int) or value >= len(known):
        raise SynthgenError(f"{where}: column '{column}' has the value {value}, which has no name")
    return checked(known[value], where)
