"""Finished shards read back as pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from synthgen.dataset.encoding import decode
from synthgen.dataset.layout import Layout
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.storage.tables import open_parquet, read_table

BATCH = 256


def stored_batches(files: Sequence[bytes], image: ImageSpec) -> Iterator[np.ndarray]:
    """Encoded images as ``uint8 [up to 256, H, W, C]``, in order."""
    for start in range(0, len(files), BATCH):
        yield np.stack([decode(file, image) for file in files[start : start + BATCH]])


def shard_images(layout: Layout, shard: ShardPlan) -> tuple[list[bytes], np.ndarray, np.ndarray]:
    """A shard's encoded images, labels and candidate numbers ``int64 [N]``."""
    table = read_table(layout.data / shard.name, ["image", "label", "candidate"])
    labels, candidates = (np.asarray(table.column(place)) for place in (1, 2))
    return image_files(table, "image"), labels, candidates


def first_images(layout: Layout, plan: Plan) -> Iterator[tuple[pa.BinaryArray, np.ndarray]]:
    """A dataset's encoded images and labels ``int64 [N]`` from its first row on, a row group at a
    time: no more is read than is asked for.

    Raises:
        FileNotFoundError, BadTable, StoreError: as :func:`open_parquet`, of a shard.
    """
    for shard in plan.shards:
        with open_parquet(layout.data / shard.name) as table:
            for group in range(table.num_row_groups):
                # One at a time: a reader that is given several fetches all of them first.
                rows = table.read_row_group(group, columns=["image", "label"])
                images = rows.column("image").combine_chunks()
                yield images.field("bytes"), np.asarray(rows.column("label"))


def image_files(table: pa.Table, name: str) -> list[bytes]:
    """The encoded images of a column."""
    column = table.column(name).combine_chunks()
    return [bytes(item) for item in column.field("bytes").to_pylist()]
