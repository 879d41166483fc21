"""Join finished datasets of the same classes and columns, made on different machines, into one.

Shards are copied byte for byte under new names; only a shard with images that repeat those of an
earlier dataset is written again without them, where all the datasets are free of repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from tqdm import tqdm

import synthgen
from synthgen.dataset.commit import disk_errors, publish, staged_name
from synthgen.dataset.layout import Layout, load_line
from synthgen.dataset.manifest import make_manifest, read_manifest
from synthgen.dataset.receipts import (
    Receipt,
    file_sha256,
    is_done,
    order_hash,
    read_receipts,
    write_receipt,
)
from synthgen.dataset.run_folder import Mode, open_run, settings_hash
from synthgen.dataset.writer import stage_table
from synthgen.spec.columns import pixel_hash_of
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.stages.finished.complete import complete
from synthgen.storage.place import Place, place
from synthgen.storage.tables import read_table
from synthgen.storage.transfer import copy_here

SAME = ("classes", "scores", "image", "domains", "image_format", "pixel_hash")
"""What datasets must have in common to be one."""


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


@dataclass(frozen=True)
class _Part:
    """One of the datasets to join."""

    layout: Layout
    manifest: dict[str, Any]
    plan: Plan

    def kind(self) -> dict[str, Any]:
        generator, settings = self.manifest["generator"], self.manifest["settings"]
        return {
            "classes": list(self.plan.classes),
            "scores": self.manifest["scores"],
            "image": generator["image"],
            "domains": generator.get("domains"),
            "image_format": settings["image_format"],
            "pixel_hash": pixel_hash_of(settings),
        }

    def receipt(self, shard: ShardPlan) -> Receipt:
        record = next(r for r in self.manifest["receipts"] if r["shard"] == shard.name)
        return Receipt(**record)


@dataclass(frozen=True)
class _Piece:
    """One shard of the joined dataset: of which part and shard, and the rows that stay."""

    part: _Part
    shard: ShardPlan
    keep: np.ndarray
    """``bool [rows]``."""
    labels: np.ndarray


def merge(folders: Sequence[str | Place], out: str | Place, mode: Mode = "new") -> MergeReport:
    """Write the datasets in ``folders``, one after another, as one new dataset in ``out``.

    Started again with the same datasets it goes on. Splits of the same name become one.

    Raises:
        SynthgenError: fewer than two datasets, one that is not finished or damaged, one given
            twice, or ``out`` in one of them, or datasets that differ in classes, columns, image
            size or encoding.
    """
    parts = [_open(place(folder)) for folder in folders]
    _check(parts)
    root = place(out)
    for part in parts:
        part.layout.refuse_inside(root)
    unique = all(_free_of_repeats(part) for part in parts)
    pieces, dropped = _pieces(parts, unique)
    plan = _joined(parts[0].plan, pieces)
    settings = {
        "merged_from": [
            {"plan_hash": p.plan.hash, "settings": settings_hash(p.manifest["settings"])}
            for p in parts
        ],
        "image_format": parts[0].manifest["settings"]["image_format"],
        "filters": {"exact_duplicates": unique},
        "pixel_hash": parts[0].kind()["pixel_hash"],
    }
    fingerprint = settings_hash(settings)
    with open_run(root, settings, plan, mode) as (layout, held):
        if held.hash != plan.hash:
            raise SynthgenError(f"{root}: holds another dataset; use --overwrite or another --out")
        with tqdm(total=plan.rows, unit="img", desc="merging") as bar, disk_errors(root):
            for shard, piece in zip(plan.shards, pieces, strict=True):
                order = order_hash(plan, shard, fingerprint, frozenset())
                if not is_done(layout, shard, order):
                    layout.card.unlink(missing_ok=True)
                    _put(layout, plan, shard, piece, order)
                bar.update(shard.rows)
        receipts = read_receipts(layout, plan)
        if not layout.is_complete():
            image = ImageSpec(**parts[0].manifest["generator"]["image"])
            complete(layout, plan, image, _manifest(parts, pieces, plan, receipts, settings))
    return MergeReport(root, plan.rows, len(parts), dropped, tuple(plan.splits))


def _open(folder: Place) -> _Part:
    layout = Layout(folder)
    if not layout.is_complete() or not layout.manifest.is_file():
        raise SynthgenError(f"{folder}: is no finished synthgen dataset")
    manifest = read_manifest(layout)
    return _Part(layout, manifest, Plan.from_json(manifest["plan"]))


def _check(parts: Sequence[_Part]) -> None:
    if len(parts) < 2:
        raise SynthgenError("merge: name two datasets or more")
    first = parts[0]
    for number, part in enumerate(parts):
        for key in SAME:
            mine, theirs = part.kind()[key], first.kind()[key]
            if mine != theirs:
                raise SynthgenError(
                    f"{part.layout.root}: its {key} is {mine}, that of {first.layout.root} is "
                    f"{theirs}; only datasets of the same {key} can be merged"
                )
        for other in parts[:number]:
            same = other.manifest["settings"] == part.manifest["settings"]
            if same and other.plan == part.plan:
                raise SynthgenError(
                    f"{part.layout.root}: is the same dataset as {other.layout.root}; sample each "
                    "with a --seed of its own"
                )


def _free_of_repeats(part: _Part) -> bool:
    filters = part.manifest["settings"].get("filters")
    return bool(isinstance(filters, dict) and filters.get("exact_duplicates"))


def _pieces(parts: Sequence[_Part], unique: bool) -> tuple[list[_Piece], int]:
    """All shards in order, with the rows that stay; and how many do not."""
    seen: set[int] = set()
    pieces, dropped = [], 0
    for part in parts:
        for shard in part.plan.shards:
            path = part.layout.data / shard.name
            receipt = part.receipt(shard)
            if not path.is_file() or file_sha256(path) != receipt.sha256:
                raise SynthgenError(f"{path}: missing or damaged; mend it with synthgen repair")
            table = read_table(path, ["pixel_hash", "label"])
            hashes, labels = (np.asarray(table.column(i)) for i in range(2))
            keep = np.ones(len(hashes), dtype=bool)
            if unique:
                for row, value in enumerate(hashes.tolist()):
                    keep[row] = value not in seen
                    seen.add(value)
            dropped += int((~keep).sum())
            if keep.any():
                pieces.append(_Piece(part, shard, keep, labels))
    return pieces, dropped


def _joined(first: Plan, pieces: Sequence[_Piece]) -> Plan:
    """The new plan; its shards are numbered anew, in the order of the pieces within a split."""
    ordinals: dict[str, int] = {}
    shards = []
    for index, piece in enumerate(pieces):
        split = piece.shard.split
        counts = np.bincount(piece.labels[piece.keep], minlength=len(first.classes))
        quotas = tuple(int(count) for count in counts)
        shards.append(ShardPlan(index, split, ordinals.get(split, 0), quotas))
        ordinals[split] = ordinals.get(split, 0) + 1
    return Plan(first.classes, first.seed, tuple(shards))


def _put(layout: Layout, plan: Plan, shard: ShardPlan, piece: _Piece, order: str) -> None:
    """Copy or rewrite one shard, then its receipt."""
    source, old = piece.part.layout.data / piece.shard.name, piece.part.receipt(piece.shard)
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
    parts: Sequence[_Part],
    pieces: Sequence[_Piece],
    plan: Plan,
    receipts: Sequence[Receipt],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """As of any dataset, and the parts' own generators and settings, by which rows are remade."""
    first = parts[0].manifest
    texts = list(dict.fromkeys(part.manifest["filters_text"] for part in parts))
    names = list(dict.fromkeys(part.manifest["generator"]["name"] for part in parts))
    record = make_manifest(
        plan,
        receipts,
        settings=settings,
        generator={**first["generator"], "name": " + ".join(names)},
        class_keys=first["class_keys"],
        scores=first["scores"],
        version=synthgen.__version__,
        filters_text=" / ".join(text for text in texts if text),
    )
    kept = ("generator", "settings", "class_keys", "plan", "plan_hash")
    record["parts"] = [{key: part.manifest[key] for key in kept} for part in parts]
    record["part_of"] = {
        shard.name: next(i for i, part in enumerate(parts) if part is piece.part)
        for shard, piece in zip(plan.shards, pieces, strict=True)
    }
    return record
