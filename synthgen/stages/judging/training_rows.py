"""Which real images a generator has learnt from, by the record of its training."""

from __future__ import annotations

import numpy as np

from synthgen.data.cache import ImageData
from synthgen.data.records import Records
from synthgen.data.splits import hold_out
from synthgen.spec.provenance import TrainingRecord


def training_rows(
    training: TrainingRecord, real: ImageData | Records
) -> tuple[np.ndarray, np.ndarray] | None:
    """The rows of ``real`` that were learnt from and those that were held out: sorted ``int64``.

    ``None`` if the training, of which a bundle has the record, was on other images than just these,
    or does not say which of them it held out.
    """
    own = real.image_fingerprint if isinstance(real, Records) else real.fingerprint
    if training.data_fingerprint != own:
        return None
    count, learnt = len(real.labels), training.data_images or 0
    if not 0 < learnt < count:
        return None
    share = 1 - learnt / count if training.holdout is None else training.holdout
    rows = hold_out(real.labels, share, training.seed or 0)
    return rows if len(rows[0]) == learnt else None
