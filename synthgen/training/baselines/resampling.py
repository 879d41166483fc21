"""Rows repeated so that every group, or every class, is shown equally often."""

from __future__ import annotations

import numpy as np


def balanced_rows(groups: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """``int64``: ``rows`` with repetitions, as many of each group as the largest has.

    ``groups int64 [M]`` holds the group of every row there is. Each row of a group comes equally
    often, one more or less.
    """
    own = groups[rows]
    parts = [rows[own == group] for group in np.unique(own)]
    most = max(len(part) for part in parts)
    return np.concatenate([np.resize(part, most) for part in parts])
