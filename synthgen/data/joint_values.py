"""Cells of joints as numbers: x, y and whether it is seen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.data.attribute_values import EMPTY, WORDS
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.joints import mirrored_pairs

if TYPE_CHECKING:
    from synthgen.data.sources import Source

LISTS = (list, tuple)
VISIBLE = ("visible", "visibility", "seen", "v")
"""Keys of whether it is seen, in a mapping of one joint."""
MOST_SEEN = 2
"""COCO's mark of a joint that is seen; a larger number is no mark."""
LEAST = -0.5
"""The border of the first pixel, whose centre is 0; a joint with both numbers below is hidden."""


def parsed(value: Any) -> Any:
    """A cell; JSON in a text as what it says, an empty one as nothing."""
    if isinstance(value, str):
        try:
            return json.loads(value) if value.strip() else None
        except (ValueError, RecursionError):
            return value
    return value


def seen_as(value: Any) -> float:
    """1 for yes, 0 for no, a number as it is; ``nan`` for an empty cell.

    Raises:
        ValueError: it is none of these.
    """
    word = value.strip().lower() if isinstance(value, str) else value
    if word is None or (isinstance(word, str) and word in EMPTY):
        return float("nan")
    try:
        return WORDS[word] if isinstance(word, str) and word in WORDS else float(word)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r:.40} says neither yes nor no; write 1 or 0") from None


def names_in(cells: Sequence[Any]) -> tuple[str, ...]:
    """The joints of mappings, in the order in which they first appear."""
    return tuple(dict.fromkeys(str(key) for c in cells if isinstance(c, Mapping) for key in c))


def misspelt(cells: Sequence[Any], names: Sequence[str]) -> tuple[int, str] | None:
    """The first row with a joint whose name is likely another's, and what is wrong with it.

    So is a name that is like another, never in a row with it, and at most a tenth as frequent; a
    left and a right joint are two.
    """
    there = [{str(k) for k, v in c.items() if v is not None} if isinstance(c, Mapping) else set()
             for c in cells]  # fmt: skip
    sides = {frozenset((names[a], names[b])) for a, b in mirrored_pairs(names)}
    counts = Counter(name for own in there for name in own)
    for name in (name for name in names if counts[name]):
        others = [
            other for other in names if 10 * counts[name] <= counts[other]
            and {name, other} not in sides and not any({name, other} <= own for own in there)
        ]  # fmt: skip
        if hint := did_you_mean(name, others):
            row = next(row for row, own in enumerate(there) if name in own)
            return row, f"unknown joint '{name}'{hint} (no row has both)"
    return None


def joints_in(cell: Any, visible: Any, count: int) -> int | None:
    """How many joints a list has, where ``count`` are named; ``None`` where that is not plain."""
    listed = _listed(cell, count)
    if not isinstance(listed, LISTS):
        return None
    if _is_nested(listed, count):
        return len(listed)
    own = len(visible) if isinstance(visible, LISTS) else 0
    return own if own and len(listed) in (2 * own, 3 * own) else None


def joint_rows(cell: Any, visible: Any, names: Sequence[str], seen: str) -> np.ndarray:
    """``float32 [J, 3]`` of a cell and of what another, of the column ``seen``, says of its joints.

    Raises:
        ValueError: the cells do not fit the names, or are no numbers.
    """
    count = len(names)
    if cell is None:
        return np.zeros((count, 3), dtype=np.float32)
    listed = _listed(_in_order(cell, names), count)
    if isinstance(listed, LISTS) and _is_nested(listed, count):
        if len(listed) != count:
            raise ValueError(wrong_count(listed, count))
        found = np.array([_joint(joint) for joint in listed], dtype=np.float32)
    else:
        flat = np.array(listed, dtype=np.float32).reshape(-1)
        if flat.size not in (2 * count, 3 * count):
            raise ValueError(wrong_count(flat, count))
        found = flat.reshape(count, -1)
        if found.shape[1] == 2:
            found = np.concatenate([found, np.ones((count, 1), np.float32)], axis=1)
        elif np.nanmax(found[:, 2], initial=0) > MOST_SEEN:
            # Most likely x and y of more joints than are named.
            raise ValueError(
                f"{wrong_count(flat, count)}; a third number says whether it is seen (0, 1 or "
                f"2), and one is {np.nanmax(found[:, 2]):g}"
            )
    if visible is not None:
        shown = _listed(_in_order(visible, names), count)
        shown = shown if isinstance(shown, LISTS) else [shown]
        if len(shown) != count:
            raise ValueError(f"column '{seen}' has {len(shown)} values for {count} joints")
        try:
            found[:, 2] *= np.array([seen_as(each) for each in shown]) > 0
        except ValueError as error:
            raise ValueError(f"column '{seen}': {error}") from None
    return marked(found)


def wrong_count(listed: Iterable[Any], count: int) -> str:
    """What to say of a list that has not the numbers of so many joints."""
    joints = list(listed)
    sizes = [len(joint) if isinstance(joint, LISTS) else 2 for joint in joints]
    numbers = sum(sizes) if _is_nested(joints, count) else len(joints)
    return (
        f"{numbers} numbers, where {count} joints have 2 or 3 each; give every row all "
        "joints in the order of their names, -1, -1 for one that is hidden"
    )


def _in_order(cell: Any, names: Sequence[str]) -> Any:
    """A mapping as a list in the order of the names, ``None`` for those it lacks."""
    if not isinstance(cell, Mapping):
        return cell
    for key, value in cell.items():
        if str(key) not in names and value is not None:
            raise ValueError(
                f"unknown joint '{key}'{did_you_mean(str(key), names)} (joints are "
                f"{name_list(names)})"
            )
    return [cell.get(name) for name in names]


def _listed(cell: Any, count: int) -> Any:
    """A list without lists of one around it."""
    cell = cell.tolist() if isinstance(cell, np.ndarray) else cell
    while isinstance(cell, LISTS) and len(cell) == 1 < count and isinstance(cell[0], LISTS):
        cell = cell[0]
    return cell


def _is_nested(listed: Sequence[Any], count: int) -> bool:
    """Whether each joint is a list or a mapping or nothing, in place of numbers side by side."""
    empty = len(listed) == count and all(joint is None for joint in listed)
    return empty or any(isinstance(joint, (*LISTS, Mapping)) for joint in listed)


def _joint(found: Any) -> tuple[float, float, float]:
    """x, y and whether it is seen, of ``[x, y]``, ``[x, y, seen]`` or ``{"x": 1, "y": 2}``; of
    nothing a hidden one."""
    if found is None:
        return -1, -1, 0
    if isinstance(found, Mapping):
        shown = [key for key in found if str(key).lower() in VISIBLE]
        strange = [key for key in found if key not in ("x", "y", *shown)]
        if strange or "x" not in found or "y" not in found:
            raise ValueError(
                f"a joint has {name_list(map(str, found))}; it takes x, y and, if need be, visible"
            )
        found = [found["x"], found["y"], *(found[key] for key in shown[:1])]
    if not isinstance(found, LISTS) or len(found) not in (2, 3):
        raise ValueError(f"{found!r:.40} is no joint: write [x, y], [x, y, seen] or null")
    places = []
    for number in found[:2]:
        try:
            places.append(float("nan") if number is None else float(number))
        except (TypeError, ValueError):
            raise ValueError(f"{number!r:.40} is no number") from None
    return places[0], places[1], seen_as(found[2]) if len(found) == 3 else 1


def marked(rows: np.ndarray) -> np.ndarray:
    """``[N, 3]`` with 0 as the last number of what is hidden: marked so, below ``LEAST`` in
    both, or no number. What has no place has noughts for it."""
    finite = np.isfinite(rows).all(axis=1)
    rows = np.where(finite[:, None], rows, 0)
    placed = finite & (rows[:, :2] >= LEAST).any(axis=1)
    whole = np.concatenate([rows[:, :2], (rows[:, 2:] > 0).astype(rows.dtype)], axis=1)
    found: np.ndarray = (whole * placed[:, None]).astype(np.float32)
    return found


def numbers_of(source: Source, column: str, *, seen: bool = False) -> np.ndarray:
    """A column of numbers, or of yes and no for ``seen``, ``float32 [N]``; ``nan`` where a cell is
    empty."""
    found = np.full(len(source.labels), np.nan, dtype=np.float32)
    for row, value in enumerate(source.values(column, range(len(source.labels)))):
        if value is None or value == "":
            continue
        try:
            found[row] = seen_as(value) if seen else float(value)
        except (TypeError, ValueError) as error:
            reason = error if seen else f"{value!r:.40} is no number"
            raise SynthgenError(f"{source.where(row)}: column '{column}': {reason}") from None
    return found
