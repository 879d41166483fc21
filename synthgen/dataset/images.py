"""The images of a finished dataset, decoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from synthgen.data.splits import Labelled, evenly
from synthgen.dataset.encoding import decode
from synthgen.dataset.layout import Layout
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan


def read_images(
    layout: Layout,
    plan: Plan,
    image: ImageSpec,
    most: int,
    progress: Callable[[int], Any] = lambda images: None,
) -> Labelled:
    """At most ``most`` images, spread evenly over all shards, in the order of their rows."""
    rows = evenly(plan.rows, most)
    pixels = np.empty((len(rows), image.height, image.width, image.channels), dtype=np.uint8)
    labels = np.empty(len(rows), dtype=np.int64)
    before = filled = 0
    for shard in plan.shards:
        mine = rows[(rows >= before) & (rows < before + shard.rows)] - before
        before += shard.rows
        if not len(mine):
            continue
        table = pq.read_table(layout.data / shard.name, columns=["image", "label"]).take(mine)
        labels[filled : filled + len(mine)] = np.asarray(table.column("label"))
        for encoded in table.column("image").combine_chunks().field("bytes"):
            pixels[filled] = decode(encoded.as_py(), image)
            filled += 1
        progress(len(mine))
    return Labelled(pixels, labels)
