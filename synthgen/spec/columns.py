"""Names of columns that more than one room knows."""

from __future__ import annotations

TRAIN_ROW = "train_row"
"""The one score that is no measure: the row of the nearest training image, ``int64``."""
