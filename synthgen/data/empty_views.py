"""Views that show nothing."""

from __future__ import annotations

import numpy as np

from synthgen.data.sources import Source
from synthgen.spec.fields import Field
from synthgen.spec.solids import Views

TOGETHER = 256


def empty_views(rows: np.ndarray) -> np.ndarray:
    """Which views ``uint8 [N, V, H, W, C]`` show nothing before their background, ``bool [N, V]``;
    see :func:`synthgen.spec.projection.foreground`."""
    import torch

    from synthgen.spec.projection import foreground

    empty = np.empty(rows.shape[:2], dtype=bool)
    for start in range(0, len(rows), TOGETHER):
        shown = foreground(torch.from_numpy(rows[start : start + TOGETHER]))
        empty[start : start + TOGETHER] = ~shown.flatten(2).any(dim=2).numpy()
    return empty


def told_empty(name: str, field: Field, rows: np.ndarray, source: Source, places: list[int]) -> str:
    """How many of a column's views show nothing, and the first of them; "" where none is.

    ``places`` are the rows of the source.
    """
    empty = empty_views(rows) if isinstance(field, Views) else np.zeros((0, 0), bool)
    if not empty.any():
        return ""
    row, view = np.argwhere(empty)[0]
    assert isinstance(field, Views)
    return (
        f"{int(empty.sum()):,} of {empty.size:,} views in column '{name}' show nothing before "
        f"their background, the first: that from {field.turns[view]:g} degrees of "
        f"{source.where(places[row])}"
    )
