"""One attribute of each row with choices: out of a column, or the row's own class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from synthgen.data.attribute_values import Said, said
from synthgen.data.attributes import FIELD
from synthgen.data.extended import Extended
from synthgen.data.understood import Column
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.vectors import NO_YES, Attributes

if TYPE_CHECKING:
    from synthgen.data.sources import Source

NO_OR_YES = {0.0, 1.0}
MOST = 1_000
"""Choices of the attribute, at most."""


def chosen_as(
    source: Source, name: str, column: str | None, classes: Sequence[str] | None = None
) -> Source:
    """The source with an attribute of this name as the column ``attributes``.

    It is what the ``column`` says; without one, each row's own class, in the order of ``classes``
    where only those are read.

    Raises:
        SynthgenError: there is no such column, or it is of numbers.
    """
    found = _own_class(source, classes) if column is None else _of_column(source, column)
    field = Attributes((name,), choices={name: found.choices})
    of = f"column '{found.column}'" if found.column else "each row's own class"
    notes = [f"{name}: {of} ({name_list(found.choices, 6)})"]
    used = (found.column,) if found.column else ()
    values = found.values[:, None]
    return Extended(source, Column(FIELD, "attributes", offers=field), values, notes, used)


def _own_class(source: Source, classes: Sequence[str] | None) -> Said:
    names = tuple(classes or source.classes)
    place = {each: float(number) for number, each in enumerate(names)}
    of_class = np.array([place.get(each, np.nan) for each in source.classes], dtype=np.float32)
    return Said("", "", of_class[source.labels], choices=names)


def _of_column(source: Source, column: str) -> Said:
    known = {each.name: each for each in source.understood.columns}
    if column not in known:
        raise SynthgenError(
            f"{source.name}: no column '{column}' (there are {name_list(known)})"
            f"{did_you_mean(column, known)}"
        )
    about = known[column]
    names = about.names if about.kind == "class label" else ()
    values = source.values(column, range(len(source.labels)))
    found = said(column, column, values, names, plain=True)
    if isinstance(found, str):
        raise SynthgenError(f"{source.name}: column '{column}' has no choices: {found}")
    if not found.choices and set(found.values[~np.isnan(found.values)].tolist()) <= NO_OR_YES:
        found = replace(found, choices=NO_YES)
    if not found.choices or len(found.choices) > MOST:
        count = f"{len(found.choices):,} different texts" if found.choices else "numbers"
        raise SynthgenError(
            f"{source.name}: column '{column}' has {count}; write a name of up to {MOST:,} for "
            "each row"
        )
    if np.isnan(found.values).any():
        lost = int(np.flatnonzero(np.isnan(found.values))[0])
        raise SynthgenError(
            f"{source.where(lost)}: column '{column}' is empty; fill it in, or leave the row out"
        )
    return found
