"""Which real images a generator has learnt from, by the record of its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData
from synthgen.data.splits import hold_out


def training_rows(
    training: Mapping[str, Any], real: ImageData
) -> tuple[np.ndarray, np.ndarray] | None:
    """The rows of ``real`` that were learnt from and those that were held out: sorted ``int64``.

    ``None`` if the training, of which a bundle has the record, was on other images than just these,
    or does not say which of them it held out.
    """
    if training.get("data_fingerprint") != real.fingerprint:
        return None
    count, learnt = len(real.labels), training.get("data_images", 0)
    if not 0 < learnt < count:
        return None
    share = training.get("holdout", 1 - learnt / count)
    rows = hold_out(real.labels, share, training.get("seed", 0))
    return rows if len(rows[0]) == learnt else None
