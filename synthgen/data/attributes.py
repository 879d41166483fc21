"""Attributes of rows: yes/no, numbers and choices out of the columns that people have them in.

Either each attribute is a column of its own, or one column holds them all: a mapping, a list of
tags, or tags in one text. What is empty is not known, which is not the same as a no.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.data.attribute_values import Said, said, tags_of
from synthgen.data.extended import Extended
from synthgen.data.understood import OF_PLACES, Column
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.vectors import Attributes

if TYPE_CHECKING:
    from synthgen.data.sources import Source

FIELD = "attributes"
"""The field, and the column that a source of attributes has."""
TOGETHER = ("attributes", "tags", "keywords")
"""Names of columns that hold all attributes of a row, the likeliest first."""
LEAST = 0.01
"""Share of rows that a tag must have, and that must be without it."""
MOST_TAGS = 512
SHOWN = 12
"""Names that a line shows."""


def _attributed(
    source: Source, found: Sequence[Said], notes: Sequence[str], field: Attributes | None = None
) -> Source:
    """The source with the attributes of each row, in the order of the field."""
    field = field or Attributes(
        tuple(each.name for each in found),
        {each.name: each.range for each in found if each.range is not None},
        {each.name: each.choices for each in found if each.choices},
    )
    values = np.stack([each.values for each in found], axis=1)
    used = tuple(dict.fromkeys(each.column for each in found))
    return Extended(source, Column(FIELD, "attributes", offers=field), values, notes, used)


def attributed(source: Source, asked: Sequence[str] = (), least: float = LEAST) -> Source:
    """The source with its attributes as the column :data:`FIELD`; as it is if it has none.

    ``asked`` names them (columns, tags or keys; or the one column that holds them all); by default
    they are that column, or all columns that are plainly attributes. Of tags those are taken that
    at least the share ``least`` of the rows has.

    Raises:
        SynthgenError: one that is asked for is not there, or says nothing.
    """
    known = {each.name: each for each in source.understood.columns}
    whole = next((known[name] for name in TOGETHER if name in known), None)
    if len(asked) == 1 and asked[0] in known and not (
        asked[0] not in TOGETHER and isinstance(_column(source, known[asked[0]]), Said)
    ):  # fmt: skip
        found = _together(source, known[asked[0]], least)
        if found:
            return _with(source, found, [])
    held = [] if whole is None else _together(source, whole, least if not asked else 0.0)
    if not asked and held:
        return _with(source, held, [])
    inside = {each.name: each for each in held}
    chosen, left = [], []
    for name in asked or [name for name in known if _possible(source, known[name])]:
        if name in known:
            each = _column(source, known[name])
        elif name in inside:
            each = inside[name]
        else:
            every = [*known, *inside]
            raise SynthgenError(
                f"{source.name}: no attribute '{name}' (there are {name_list(every, SHOWN)})"
                f"{did_you_mean(name, every)}"
            )
        if isinstance(each, Said):
            chosen.append(each)
        elif asked:
            raise SynthgenError(f"{source.name}: column '{name}' is no attribute: {each}")
        else:
            left.append(f"{name} ({each})")
    if not chosen:
        return source
    return _with(source, chosen, left)


def attributed_as(
    source: Source, field: Attributes, asked: Sequence[str] = (), *, some: bool = False
) -> Source:
    """The source with the attributes of a ``field`` that is known, as the column :data:`FIELD`.

    With ``some`` and no names that are ``asked``, those that it lacks are known of no row.

    Raises:
        SynthgenError: one is not there, or a row says what the field does not know.
    """
    known = {each.name: each for each in source.understood.columns}
    whole = known.get(asked[0]) if len(asked) == 1 else None
    if whole is None:
        whole = next((known[name] for name in TOGETHER if name in known), None)
    inside = {e.name: e for e in ([] if whole is None else _together(source, whole, 0.0, field))}
    if strange := [name for name in asked if name not in {*known, *field.names}]:
        raise SynthgenError(
            f"{source.name}: no column '{strange[0]}' (there are {name_list(known, SHOWN)})"
            f"{did_you_mean(strange[0], known)}"
        )
    found = []
    for name in field.names:
        each = _column(source, known[name], plain=True) if name in known else inside.get(name)
        if each is None and whole is not None and inside and not field.ranges:
            # A tag that no row has is one that all of them lack.
            each = Said(name, whole.name, np.zeros(len(source.labels), dtype=np.float32))
        if each is None and some and not asked:
            unknown = np.full(len(source.labels), np.nan, dtype=np.float32)
            found.append(Said(name, "", unknown, choices=field.choices.get(name, ())))
            continue
        if not isinstance(each, Said):
            every = [*known, *inside]
            raise SynthgenError(
                f"{source.name}: no attribute '{name}' (there are {name_list(every, SHOWN)})"
                f"{did_you_mean(name, every)}; name the column that holds them with --field "
                f"{FIELD}=COLUMN"
            )
        found.append(_as(source, each, field))
    return _attributed(source, found, [], field)


def _with(source: Source, found: Sequence[Said], left: Sequence[str]) -> Source:
    told = [each.text() for each in found[:SHOWN]]
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    notes = [f"{len(found)} attributes: {', '.join(told)}{more}"]
    if left:
        notes.append(f"no attributes: {', '.join(left)}; name what is one with --field {FIELD}=A,B")
    return _attributed(source, found, notes)


def _possible(source: Source, column: Column) -> bool:
    """Whether a column may hold an attribute: not images, not what they are read from."""
    if not column.name or column.name in source.understood.used:
        return False
    return column.kind not in (*OF_PLACES, "attributes")


def _column(source: Source, column: Column, *, plain: bool = False) -> Said | str:
    """One column as an attribute, or why it is none."""
    values = source.values(column.name, range(len(source.labels)))
    names = column.names if column.kind == "class label" else ()
    return said(column.name, column.name, values, names, plain=plain)


def _together(
    source: Source, column: Column, least: float, field: Attributes | None = None
) -> list[Said]:
    """The attributes that one column holds; empty if it is no such column."""
    if column.kind in (*OF_PLACES, "class label", "number", "whole number"):
        return []
    values = [_parsed(v) for v in source.values(column.name, range(len(source.labels)))]
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, Mapping) for value in there):
        names = dict.fromkeys(name for value in there for name in value)
        each = [
            said(name, column.name, [None if v is None else v.get(name) for v in values],
                 plain=field is not None)
            for name in names
        ]  # fmt: skip
        return [one for one in each if isinstance(one, Said)]
    tags = tags_of(values)
    if tags is None:
        return []
    counts: dict[str, int] = {}
    for row in tags:
        for tag in row or ():
            counts[tag] = counts.get(tag, 0) + 1
    total = sum(row is not None for row in tags)
    fewest = max(1, least * total)
    kept = [tag for tag, count in counts.items() if fewest <= count <= total - fewest or not least]
    kept = sorted(kept, key=lambda tag: (-counts[tag], tag))[: MOST_TAGS if least else None]
    held = {tag: np.full(len(tags), np.nan, dtype=np.float32) for tag in sorted(kept)}
    known = np.array([row is not None for row in tags])
    for marks in held.values():
        marks[known] = 0
    for place, row in enumerate(tags):
        for tag in row or ():
            if tag in held:
                held[tag][place] = 1
    return [Said(tag, column.name, marks) for tag, marks in held.items()]


def _parsed(value: Any) -> Any:
    """A cell; JSON in a text as what it says."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return None if value == "" else value


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _as(source: Source, each: Said, field: Attributes) -> Said:
    """Values of one attribute as a known field has them."""
    name, values = each.name, each.values
    if name in field.choices:
        if not each.choices:
            raise SynthgenError(f"{source.name}: attribute '{name}' is no text or class there")
        known = field.choices[name]
        strange = sorted(set(each.choices) - set(known))
        index = {place: known.index(n) for place, n in enumerate(each.choices) if n in known}
        used = {int(v) for v in values[~np.isnan(values)]}
        if lost := [n for n in strange if each.choices.index(n) in used]:
            raise SynthgenError(
                f"{source.name}: attribute '{name}' is '{lost[0]}' in a row, and the generator "
                f"knows {name_list(known)}; mend the cell, or empty it where it is not known"
            )
        mapped = [np.nan if np.isnan(v) else float(index[int(v)]) for v in values]
        return replace(each, values=np.array(mapped, dtype=np.float32), choices=known)
    if each.choices:
        number = name in field.ranges
        wrong = next((n for n in each.choices if not number or not _is_number(n)), each.choices[0])
        raise SynthgenError(
            f"{source.name}: attribute '{name}' is '{wrong}' in a row, where the generator takes "
            f"{'a number' if number else 'yes or no'}; mend the cell, or empty it where it is not "
            "known"
        )
    strange_values = ~np.isnan(values) & (values != 0) & (values != 1)
    if name not in field.ranges and strange_values.any():
        raise SynthgenError(
            f"{source.name}: attribute '{name}' is {values[strange_values][0]:g} in a row, where "
            "the generator takes yes or no"
        )
    return each
