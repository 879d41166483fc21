"""Joints of rows, out of the columns that people have them in.

Either one column holds all of a row's, as a list of places in the order of names that are said
beside the data or as a mapping by name; or each joint has a column for x and one for y. What is
hidden is said by a column, by a third number, by -1 for both numbers, or by an empty cell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.extended import Extended
from synthgen.data.joint_values import (
    joint_rows,
    joints_in,
    marked,
    misspelt,
    names_in,
    numbers_of,
    parsed,
    wrong_count,
)
from synthgen.data.sources import Source, place_here
from synthgen.data.understood import Column
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.joints import limbs_of, mirrored_pairs
from synthgen.spec.maps import Keypoints
from synthgen.spec.settings.data import DataSettings

FIELD = "keypoints"
"""The field, and the column that a source of joints has."""
TOGETHER = ("keypoints", "joints", "landmarks", "pose")
"""Names of columns that hold all joints of a row, the likeliest first."""
SEEN = ("visible", "visibility", "keypoints_visible", "joints_visible")
"""Names of columns that say of all joints of a row whether they are seen."""
FILE = "joints.json"
ENDS = ("_visible", "_visibility", "_seen", "_v")
"""Ends of the name of a column that says whether one joint is seen."""
FORMS = (
    f"a column '{FIELD}' of [x, y] for each joint with their names in {FILE} beside the data, "
    "columns left_knee_x, left_knee_y and so on, or COCO annotations"
)


@dataclass(frozen=True)
class JointNames:
    """Joints in order, and the places of those between which a limb is drawn."""

    names: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    where: str = ""
    """Where the names are written, if they were."""


def _jointed(
    source: Source, joints: JointNames, rows: np.ndarray, used: Sequence[str], how: str
) -> Source:
    """The source with the joints of each row, ``float32 [N, J, 3]``, as a column."""
    pairs = [f"{joints.names[a]} and {joints.names[b]}" for a, b in mirrored_pairs(joints.names)]
    turned = f"; in the mirror {name_list(pairs, 3)} change places" if pairs else (
        "; none is called left or right: a mirror leaves the names as they are"
    )  # fmt: skip
    share = float(rows[:, :, 2].mean()) if rows.size else 0.0
    note = f"{len(joints.names)} joints {how}, {share:.0%} of them seen{turned}"
    return Extended(source, Column(FIELD, "joints", joints.names, joints.limbs), rows, [note], used)


def jointed(
    source: Source, folder: Path | None, asked: str | None = None, told: str = "",
    known: Keypoints | None = None,
) -> Source:  # fmt: skip
    """The source with its joints as the column :data:`FIELD`; as it is if it has such a column.

    Args:
        source: rows with their columns.
        folder: where the names of the joints may lie, in :data:`FILE`.
        asked: the column that holds them all, where it has a name of its own.
        told: names of the joints in order, between blanks, in place of the file's.
        known: the joints that a generator takes: the source must have them.

    Raises:
        SynthgenError: there are none, they have no names, or a row has others.
    """
    columns = {each.name: each for each in source.understood.columns}
    own = [name for name, each in columns.items() if each.kind == "joints"]
    if own and asked in (None, *own):
        _refuse_other(source, columns[own[0]].names, known)
        return source
    if asked is not None and asked not in columns:
        raise SynthgenError(
            f"{source.name}: no column '{asked}' (there are {name_list(columns)})"
            f"{did_you_mean(asked, columns)}; name the one of the joints with --field "
            f"{FIELD}=COLUMN"
        )
    whole = asked or next((name for name in TOGETHER if name in columns), None)
    single = {} if whole is not None else _single(columns)
    if whole is None and not single:
        raise SynthgenError(
            f"{source.name}: has no joints among {name_list(columns) or 'no columns'}; it takes "
            f"{FORMS}, or name the column with --field {FIELD}=COLUMN"
        )
    names = _told(told, folder)
    if whole is not None:
        return _of_one(source, whole, columns, names, known)
    return _of_many(source, single, names, known)


def with_joints(
    fields: Any, settings: DataSettings, named: Mapping[str, str],
    view: Callable[[Source], Source] | None,
) -> tuple[Callable[[Source], Source] | None, dict[str, str]]:  # fmt: skip
    """The ``view`` of a source, and the columns that are ``named`` for fields: where the joints are
    among the ``fields`` that are known and there is no view, one that gives a source its joints."""
    columns = dict(named)
    known = fields.get(FIELD) if isinstance(fields, Mapping) else None
    if view is None and isinstance(known, Keypoints):
        asked = columns.pop(FIELD, None)
        view = partial(jointed, folder=place_here(settings), asked=asked, known=known)
    return view, columns


def _told(text: str, folder: Path | None) -> JointNames | None:
    """The names that are given as a text, else those in the file beside the data."""
    path = None if folder is None else folder / FILE
    if text.strip():
        record: Any = text.replace(";", " ").split()
        where = "--use-options joints"
    elif path is not None and path.is_file():
        where = str(path)
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise SynthgenError(
                f"{path}: cannot be read: {' '.join(str(error).split())[:120]}"
            ) from None
    else:
        return None
    limbs: Any = ()
    if isinstance(record, dict):
        limbs = record.get("skeleton", ())
        record = next((record[key] for key in ("joints", "keypoints", "names") if key in record), 0)
    try:
        names = tuple(record) if isinstance(record, list) else ()
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError("no list of names")
        if len(set(names)) < len(names):
            raise ValueError("a name is there twice")
        ends = tuple((int(a), int(b)) for a, b in limbs)
        if any(not 0 <= end < len(names) for limb in ends for end in limb):
            raise ValueError("a limb of 'skeleton' names a joint that is not there; count from 0")
    except (TypeError, ValueError) as error:
        raise SynthgenError(
            f"{where}: names no joints ({' '.join(str(error).split())[:120]}); write a list of "
            'names in the order of the column, or {"joints": [...], "skeleton": [[0, 1], ...]}'
        ) from None
    return JointNames(names, ends or limbs_of(names), where)


def _single(columns: Mapping[str, Column]) -> dict[str, tuple[str, ...]]:
    """Joints that have columns of their own: those of x and y, and of whether it is seen, if there
    is one."""
    found = {}
    for name in columns:
        joint = name[:-2]
        if not joint or name[-2:].lower() != "_x":
            continue
        beside = next((n for n in (f"{joint}_y", f"{joint}_Y") if n in columns), None)
        if beside is not None:
            seen = [f"{joint}{end}" for end in ENDS if f"{joint}{end}" in columns]
            found[joint] = (name, beside, *seen[:1])
    return found


def _of_one(
    source: Source, column: str, columns: Mapping[str, Column], names: JointNames | None,
    known: Keypoints | None,
) -> Source:  # fmt: skip
    """Out of a column that holds all joints of a row."""
    every = range(len(source.labels))
    cells = [parsed(value) for value in source.values(column, every)]
    if names is None and any(isinstance(cell, Mapping) for cell in cells):
        kept = names_in(cells) if known is None else known.names
        names = JointNames(kept, limbs_of(kept))
        if known is None and (wrong := misspelt(cells, kept)) is not None:
            raise SynthgenError(f"{source.where(wrong[0])}: column '{column}': {wrong[1]}")
    if names is None and known is not None:
        names = JointNames(known.names, known.skeleton)
    if names is None:
        raise SynthgenError(
            f"{source.name}: the joints of column '{column}' have no names, so that left and right "
            f"cannot be told; write {FILE} beside the data (a list in the order of the column), or "
            "say --use-options joints='left_knee right_knee ...'"
        )
    seen = next((name for name in SEEN if name in columns), None)
    shown = [None] * len(cells) if seen is None else [
        parsed(value) for value in source.values(seen, every)
    ]  # fmt: skip
    _refuse_count(names, cells, shown, column)
    rows = np.zeros((len(cells), len(names.names), 3), dtype=np.float32)
    for row, (cell, visible) in enumerate(zip(cells, shown, strict=True)):
        try:
            rows[row] = joint_rows(cell, visible, names.names, seen or "")
        except (ValueError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise SynthgenError(f"{source.where(row)}: column '{column}': {reason}") from None
    by = f" and '{seen}'" if seen is not None else ""
    used = (column,) if seen is None else (column, seen)
    return _with(source, names, rows, used, f"of column '{column}'{by}", known)


def _refuse_count(
    names: JointNames, cells: Sequence[Any], shown: Sequence[Any], column: str
) -> None:
    """Nothing, unless all rows have one number of joints and the written names are another."""
    count = len(names.names)
    pairs = [(c, v) for c, v in zip(cells, shown, strict=True) if c is not None]
    counts = {joints_in(cell, visible, count) for cell, visible in pairs}
    own = counts.pop() if len(counts) == 1 else None
    if names.where and own is not None and own != count:
        raise SynthgenError(
            f"{names.where}: names {count} joints, and all rows of column '{column}' have {own} "
            f"({wrong_count(pairs[0][0], count).partition(';')[0]}); name each joint once, in order"
        )


def _of_many(
    source: Source, single: Mapping[str, Sequence[str]], names: JointNames | None,
    known: Keypoints | None,
) -> Source:  # fmt: skip
    """Out of a column for each number."""
    wanted = known.names if known is not None else names.names if names else tuple(single)
    if known is None and names is None:
        _refuse_lone(source, single)
    if lacking := [name for name in wanted if name not in single]:
        raise SynthgenError(
            f"{source.name}: no columns '{lacking[0]}_x' and '{lacking[0]}_y' (there are those of "
            f"{name_list(single)}){did_you_mean(lacking[0], single)}"
        )
    limbs = names.limbs if names and names.names == wanted else limbs_of(wanted)
    rows = np.zeros((len(source.labels), len(wanted), 3), dtype=np.float32)
    used: list[str] = []
    for place, name in enumerate(wanted):
        own = single[name]
        numbers = [numbers_of(source, column) for column in own[:2]]
        shown = [numbers_of(source, column, seen=True) for column in own[2:]]
        shown = shown or [np.ones(len(rows), np.float32)]
        rows[:, place] = marked(np.stack([*numbers, *shown], axis=1))
        used += own
    how = f"of columns {wanted[0]}_x, {wanted[0]}_y and so on"
    return _with(source, JointNames(tuple(wanted), limbs), rows, used, how, known)


def _refuse_lone(source: Source, single: Mapping[str, Sequence[str]]) -> None:
    """Nothing, if each column of an x has one of a y, and the other way round."""
    columns = [each.name for each in source.understood.columns]
    paired = {column for own in single.values() for column in own}
    for name in columns:
        axis = name[-2:].lower()
        if axis in ("_x", "_y") and name[:-2] and name not in paired:
            other = f"{name[:-2]}{'_y' if axis == '_x' else '_x'}"
            rest = [column for column in columns if column not in {name, *paired}]
            raise SynthgenError(
                f"{source.name}: column '{name}' has no '{other}' beside it"
                f"{did_you_mean(other, rest)}; a joint has both: add it, rename '{name}' if it is "
                f"none, or name the joints in {FILE}"
            )


def _with(
    source: Source, names: JointNames, rows: np.ndarray, used: Sequence[str], how: str,
    known: Keypoints | None,
) -> Source:  # fmt: skip
    _refuse_other(source, names.names, known)
    seen = rows[rows[:, :, 2] > 0]
    if len(seen) and seen[:, :2].max() <= 1:
        raise SynthgenError(
            f"{source.name}: all joints lie between 0 and 1, as shares of the image; write them in "
            "pixels: x times the image's width, y times its height"
        )
    if known is not None and names.names != known.names:
        rows = rows[:, [names.names.index(name) for name in known.names]]
        names = JointNames(known.names, known.skeleton)
    return _jointed(source, names, rows, used, how)


def _refuse_other(source: Source, names: Sequence[str], known: Keypoints | None) -> None:
    """Nothing, if these are the joints that are known."""
    if known is not None and set(known.names) != set(names):
        other = next(iter(set(known.names) ^ set(names)))
        raise SynthgenError(
            f"{source.name}: has the joints {name_list(names)}, and the generator takes "
            f"{name_list(known.names)}: '{other}' is not in both"
        )
