"""Join finished datasets of the same classes and columns, made on different machines, into one.

Shards are copied byte for byte under new names; only a shard with images that repeat those of an
earlier dataset is written again without them, where all the datasets are free of repeats.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

import synthgen
from synthgen.dataset.commit import disk_errors, publish, staged_name
from synthgen.dataset.layout import Layout, load_line
from synthgen.dataset.manifest import Manifest, Provenance, finished_manifest
from synthgen.dataset.receipts import (
    Receipt,
    file_sha256,
    is_done,
    order_hash,
    receipts_of,
    write_receipt,
)
from synthgen.dataset.run_folder import Mode, open_run
from synthgen.dataset.run_settings import RunSettings, carried_record, settings_hash
from synthgen.dataset.writer import stage_table
from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.soft_labels import soft_labels_record
from synthgen.stages.finished.complete import complete
from synthgen.stages.finished.dataset import Dataset
from synthgen.stages.finished.parts import (
    Piece,
    check_alike,
    joined_plan,
    pieces_of,
    receipt_of,
)
from synthgen.storage.place import Place, place
from synthgen.storage.tables import read_table
from synthgen.storage.transfer import copy_here


@dataclass(frozen=True)
class MergeReport:
    """``dropped`` images repeated the pixels of an earlier dataset's."""

    root: Place
    rows: int
    parts: int
    dropped: int
    splits: tuple[str, ...]

    def text(self) -> str:
        """Path, counts, and the line that loads the dataset."""
        repeats = f"; {self.dropped:,} that repeat others were left out" if self.dropped else ""
        return (
            f"dataset: {self.root}\nimages:  {self.rows:,} of {self.parts} datasets{repeats}\n"
            f"{load_line(self.root, self.splits)}"
        )


def merge(folders: Sequence[str | Place], out: str | Place, mode: Mode = "new") -> MergeReport:
    """Write the datasets in ``folders``, one after another, as one new dataset in ``out``.

    Started again with the same datasets it goes on. Splits of the same name become one.

    Raises:
        SynthgenError: fewer than two datasets, one that is not finished or damaged, one given
            twice, or ``out`` in one of them, or datasets that differ in classes, columns, image
            size or encoding.
    """
    parts = [_read(Layout(place(folder))) for folder in folders]
    check_alike(parts)
    root = place(out)
    for part in parts:
        part.layout.refuse_inside(root)
    unique = all(part.manifest.settings.exact_duplicates for part in parts)
    pieces, dropped = pieces_of(parts, unique)
    plan = joined_plan(parts[0].plan, pieces)
    settings = {
        "merged_from": [
            {"plan_hash": p.plan.hash, "settings": p.manifest.settings.hash} for p in parts
        ],
        "image_format": parts[0].manifest.settings.image_format,
        "filters": {"exact_duplicates": unique},
        "pixel_hash": parts[0].manifest.settings.pixel_hash,
        **carried_record(parts[0].manifest.columns.carried, _cells_of(parts)),
        **soft_labels_record([part.manifest.columns.soft for part in parts]),
    }
    fingerprint = settings_hash(settings)
    with open_run(root, settings, plan, mode) as (layout, held):
        if held.hash != plan.hash:
            raise SynthgenError(f"{root}: holds another dataset; use --overwrite or another --out")
        with Progress(plan.rows, "merging") as progress, disk_errors(root):
            for shard, piece in zip(plan.shards, pieces, strict=True):
                order = order_hash(plan, shard, fingerprint, frozenset())
                if not is_done(layout, shard, order):
                    layout.card.unlink(missing_ok=True)
                    _put(layout, plan, shard, piece, order)
                progress.add(shard.rows)
        receipts = receipts_of(layout, plan)
        if not layout.is_complete():
            complete(layout, _manifest(parts, pieces, plan, receipts, settings))
    return MergeReport(root, plan.rows, len(parts), dropped, tuple(plan.splits))


def _cells_of(parts: Sequence[Dataset]) -> str:
    """One hash of the cells that travelled along in all parts."""
    each = [str(part.manifest.settings.carried_fingerprint) for part in parts]
    return hashlib.sha256("\n".join(each).encode()).hexdigest()


def _read(layout: Layout) -> Dataset:
    return Dataset(layout, finished_manifest(layout))


def _put(layout: Layout, plan: Plan, shard: ShardPlan, piece: Piece, order: str) -> None:
    """Copy or rewrite one shard, then its receipt."""
    source, old = piece.part.layout.data / piece.shard.name, receipt_of(piece.part, piece.shard)
    layout.staging.mkdir(parents=True, exist_ok=True)
    rejected = {reason: dict(counts) for reason, counts in old.rejected.items()}
    if piece.keep.all():
        staged = layout.staging / staged_name(shard.name)
        copy_here(source, staged)
        if file_sha256(staged) != old.sha256:
            staged.unlink()
            raise SynthgenError(f"{source}: changed while it was copied; run the same again")
    else:
        staged = stage_table(layout, read_table(source).filter(pa.array(piece.keep)), shard.name)
        again = rejected.setdefault("exact_duplicate", {})
        for label, count in enumerate(np.bincount(piece.labels[~piece.keep])):
            name = plan.classes[label]
            again[name] = again.get(name, 0) + int(count)
    size, digest = staged.stat().st_size, file_sha256(staged)
    publish(staged, layout.data / shard.name)
    receipt = replace(
        old, shard=shard.name, rows=shard.rows, bytes=size, sha256=digest, order=order,
        per_class=dict(zip(plan.classes, shard.quotas, strict=True)), rejected=rejected,
        rejects_sha256=None,
    )  # fmt: skip
    write_receipt(layout, shard, receipt)


def _manifest(
    parts: Sequence[Dataset],
    pieces: Sequence[Piece],
    plan: Plan,
    receipts: Sequence[Receipt],
    settings: dict[str, Any],
) -> Manifest:
    """The manifest of the whole; it keeps each part's generator and settings, to remake rows."""
    first = parts[0].manifest
    texts = list(dict.fromkeys(part.manifest.filters_text for part in parts))
    names = list(dict.fromkeys(part.manifest.generator.name for part in parts))
    origin = replace(first.generator, name=" + ".join(names))
    return Manifest(
        Provenance(plan, RunSettings(settings), origin, first.made.class_keys, plan.hash),
        synthgen=synthgen.__version__,
        scores=first.scores,
        filters_text=" / ".join(text for text in texts if text),
        receipts=tuple(receipts),
        parts=tuple(part.manifest.made for part in parts),
        part_of={
            shard.name: next(i for i, part in enumerate(parts) if part is piece.part)
            for shard, piece in zip(plan.shards, pieces, strict=True)
        },
    )
