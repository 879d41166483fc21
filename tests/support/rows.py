"""Labelled images of one kind or of two as a task's batches."""

from __future__ import annotations

import numpy as np

from synthgen.training.batches import Stream, TaskBatches


def batches(task, images, labels, chosen=None, seed=0, *, flip=False, source=None):
    """All rows, or the ``chosen``; ``source`` are the images, labels and rows of a second stream,
    whose order is of the next seed."""
    rows = np.arange(len(images)) if chosen is None else chosen
    streams = [Stream({"image": images, "label": labels}, rows, seed)]
    if source is not None:
        others, of, where = source
        streams.append(Stream({"source": others, "label": of}, where, seed + 1))
    return TaskBatches(task, streams, flip=flip)
