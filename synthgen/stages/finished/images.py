"""Finished shards read back as pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from synthgen.dataset.encoding.images import decode
from synthgen.dataset.layout import Layout
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.storage.place import Place
from synthgen.storage.tables import BadTable, open_parquet, read_group, read_table

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


def stored_image(file: Place, encoded: bytes, image: ImageSpec) -> np.ndarray:
    """Pixels ``uint8 [H, W, C]`` of an image that was found in ``file``.

    Raises:
        BadTable: they cannot be had.
    """
    try:
        return decode(encoded, image)
    except ValueError as error:
        raise BadTable(
            f"{file}: an image in it is damaged ({error}); see synthgen verify"
        ) from None


def first_images(
    layout: Layout, plan: Plan, image: ImageSpec
) -> Iterator[tuple[Callable[[int], np.ndarray], np.ndarray]]:
    """A dataset's images and labels ``int64 [N]`` from its first row on, a row group at a time: no
    more is read than is asked for. The function gives the pixels ``uint8 [H, W, C]`` of one row.

    Raises:
        FileNotFoundError, BadTable, StoreError: as :func:`open_parquet`, of a shard; BadTable: it
            or an image in it is damaged.
    """
    for shard in plan.shards:
        file = layout.data / shard.name
        with open_parquet(file) as table:
            for group in range(table.num_row_groups):
                # One at a time: a reader that is given several fetches all of them first.
                rows = read_group(file, table, group, ["image", "label"])
                encoded = rows.column("image").combine_chunks().field("bytes")

                def pixels(row: int, file: Place = file, encoded: Any = encoded) -> np.ndarray:
                    return stored_image(file, encoded[row].as_py(), image)

                yield pixels, np.asarray(rows.column("label"))


def image_files(table: pa.Table, name: str) -> list[bytes]:
    """The encoded images of a column."""
    column = table.column(name).combine_chunks()
    return [bytes(item) for item in column.field("bytes").to_pylist()]
