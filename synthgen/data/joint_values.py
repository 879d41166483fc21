"""Cells of joints as numbers: x, y and whether it is seen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.spec.errors import SynthgenError

if TYPE_CHECKING:
    from synthgen.data.sources import Source


def parsed(value: Any) -> Any:
    """A cell; JSON in a text as what it says, an empty one as nothing."""
    if isinstance(value, str):
        try:
            return json.loads(value) if value.strip() else None
        except (ValueError, RecursionError):
            return value
    return value


def placed(cell: Any, name: str) -> Sequence[float]:
    """A joint of a mapping: ``[x, y]``, ``[x, y, seen]`` or ``{"x": 1, "y": 2}``."""
    found = cell.get(name) if isinstance(cell, Mapping) else None
    if isinstance(found, Mapping):
        found = [found.get("x"), found.get("y")]
    if found is None:
        return [-1, -1, 0]
    return [*found, 1] if len(found) == 2 else list(found)


def joint_rows(cell: Any, visible: Any, count: int, seen: str) -> np.ndarray:
    """``float32 [count, 3]`` of a cell and of what another says of its joints."""
    if cell is None:
        return np.zeros((count, 3), dtype=np.float32)
    flat = np.array(cell, dtype=np.float32).reshape(-1)
    if flat.size not in (2 * count, 3 * count):
        raise ValueError(
            f"{flat.size} numbers, where {count} joints have 2 or 3 each; give every row all "
            "joints in the order of their names, -1, -1 for one that is hidden"
        )
    found = flat.reshape(count, -1)
    if found.shape[1] == 2:
        found = np.concatenate([found, np.ones((count, 1), np.float32)], axis=1)
    if visible is not None:
        shown = np.asarray(visible, dtype=np.float32).reshape(-1)
        if shown.size != count:
            raise ValueError(f"column '{seen}' has {shown.size} values for {count} joints")
        found[:, 2] *= shown > 0
    return marked(found)


def marked(rows: np.ndarray) -> np.ndarray:
    """``[N, 3]`` with 0 as the last number of what is hidden: marked so, negative in both, or no
    number. What has no place has noughts for it."""
    finite = np.isfinite(rows).all(axis=1)
    rows = np.where(finite[:, None], rows, 0)
    placed = finite & ((rows[:, 0] >= 0) | (rows[:, 1] >= 0))
    whole = np.concatenate([rows[:, :2], (rows[:, 2:] > 0).astype(rows.dtype)], axis=1)
    found: np.ndarray = (whole * placed[:, None]).astype(np.float32)
    return found


def numbers_of(source: Source, column: str) -> np.ndarray:
    """A column of numbers, ``float32 [N]``; ``nan`` where a cell is empty."""
    found = np.full(len(source.labels), np.nan, dtype=np.float32)
    for row, value in enumerate(source.values(column, range(len(source.labels)))):
        if value is None or value == "":
            continue
        try:
            found[row] = float(value)
        except (TypeError, ValueError):
            raise SynthgenError(
                f"{source.where(row)}: column '{column}': {value!r:.40} is no number"
            ) from None
    return found
