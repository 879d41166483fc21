"""A finished dataset folder, opened: its images, its hashes, and what its filters kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from synthgen.data.splits import evenly
from synthgen.dataset.counts import of_class, rejected
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest, finished_manifest
from synthgen.evaluation.record import Acceptance
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan
from synthgen.spec.task import Task
from synthgen.stages.finished.images import stored_image
from synthgen.storage.place import Place, place
from synthgen.storage.tables import read_table

TOGETHER = 512
"""Images of a piece: as many are read, and their features kept, at once."""


@dataclass(frozen=True)
class Dataset:
    """A finished dataset and what its manifest says of it."""

    layout: Layout
    manifest: Manifest

    @property
    def plan(self) -> Plan:
        return self.manifest.plan

    @property
    def image(self) -> ImageSpec:
        return self.manifest.generator.image

    @property
    def task(self) -> Task:
        """What its generator was trained for."""
        return self.manifest.generator.task(self.plan.classes)

    @property
    def shards(self) -> str:
        """Hash of the shards' hashes: changes when any image does."""
        return self.manifest.shards_hash

    def pieces(self, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Images ``uint8 [n, H, W, C]`` and labels of at most ``most`` rows over all shards."""
        for shard, rows in self._chosen(most):
            file = self.layout.data / shard
            table = read_table(file, ["image", "label"]).take(rows)
            encoded = table.column("image").combine_chunks().field("bytes")
            labels = np.asarray(table.column("label"))
            for start in range(0, len(labels), TOGETHER):
                part = encoded[start : start + TOGETHER]
                images = np.stack([stored_image(file, i.as_py(), self.image) for i in part])
                yield images, labels[start : start + TOGETHER]

    def tables(self, most: int, columns: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
        """Each shard's name and some columns of the rows that :meth:`pieces` gives of it."""
        for shard, rows in self._chosen(most):
            yield shard, read_table(self.layout.data / shard, columns).take(rows)

    def cells(self, column: str, most: int) -> list[Any]:
        """The cells of a further column in the rows that :meth:`pieces` gives, in their order."""
        found: list[Any] = []
        for _, table in self.tables(most, [column]):
            found += table.column(column).to_pylist()
        return found

    def images_of(self, positions: Sequence[int], most: int) -> list[np.ndarray]:
        """The pixels ``uint8 [H, W, C]`` of the rows that :meth:`pieces` gave at these
        positions."""
        found: dict[int, np.ndarray] = {}
        before = 0
        for shard, rows in self._chosen(most):
            mine = [place for place in set(positions) if before <= place < before + len(rows)]
            if mine:
                chosen = rows[[place - before for place in mine]]
                file = self.layout.data / shard
                table = read_table(file, ["image"]).take(chosen)
                for place, item in zip(mine, table.column("image"), strict=True):
                    found[place] = stored_image(file, item.as_py()["bytes"], self.image)
            before += len(rows)
        return [found[place] for place in positions]

    def hashes(self) -> np.ndarray:
        """Pixel hashes ``int64`` of all rows."""
        parts = [
            np.asarray(read_table(self.layout.data / shard.name, ["pixel_hash"]).column(0))
            for shard in self.plan.shards
        ]
        return np.concatenate(parts)

    def _chosen(self, most: int) -> Iterator[tuple[str, np.ndarray]]:
        """Each shard's name with its rows of an even choice."""
        rows, before = evenly(self.plan.rows, most), 0
        for shard in self.plan.shards:
            mine = rows[(rows >= before) & (rows < before + shard.rows)] - before
            before += shard.rows
            if len(mine):
                yield shard.name, mine


def open_dataset(folder: str | Place) -> Dataset:
    """The finished dataset in a folder.

    Raises:
        SynthgenError: there is none.
    """
    layout = Layout(place(folder))
    manifest = finished_manifest(layout)
    layout.refuse_links()
    return Dataset(layout, manifest)


def acceptance(dataset: Dataset) -> tuple[Acceptance, ...]:
    """Candidates of each class, from the shards' receipts."""
    thrown = rejected(dataset.manifest.receipts)
    return tuple(
        Acceptance(name, kept, of_class(thrown, name))
        for name, kept in dataset.plan.per_class.items()
    )
