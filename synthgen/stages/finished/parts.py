"""Finished datasets that are to become one: what they must share, and what of each stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.dataset.receipts import (
    Receipt,
    file_sha256,
)
from synthgen.spec.carried import carried_to_json
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.stages.finished.dataset import Dataset
from synthgen.storage.tables import read_table


@dataclass(frozen=True)
class Piece:
    """One shard of the joined dataset: of which part and shard, and the rows that stay."""

    part: Dataset
    shard: ShardPlan
    keep: np.ndarray
    """``bool [rows]``."""
    labels: np.ndarray


def kind_of(dataset: Dataset) -> dict[str, Any]:
    """What datasets must have in common to be one, by its name."""
    manifest = dataset.manifest
    return {
        "classes": list(dataset.plan.classes),
        "scores": list(manifest.scores),
        "image": dataset.image,
        "domains": manifest.generator.domains or (),
        "task": manifest.generator.made_for,
        "given columns": carried_to_json(manifest.columns.carried),
        "column soft_label": "missing" if manifest.columns.soft is None else "there",
        "image_format": manifest.settings.image_format,
        "pixel_hash": manifest.settings.pixel_hash,
    }


def receipt_of(dataset: Dataset, shard: ShardPlan) -> Receipt:
    """The receipt of a shard, which the manifest has.

    Raises:
        SynthgenError: it has not.
    """
    found = dataset.manifest.receipt(shard.name)
    if found is None:
        raise SynthgenError(f"{dataset.layout.manifest}: damaged (no receipt of {shard.name})")
    return found


def check_alike(parts: Sequence[Dataset]) -> None:
    """Look whether datasets can be joined.

    Raises:
        SynthgenError: they are fewer than two, differ in kind, or one is given twice.
    """
    if len(parts) < 2:
        raise SynthgenError("merge: name two datasets or more")
    first = parts[0]
    for number, part in enumerate(parts):
        for key, theirs in kind_of(first).items():
            mine = kind_of(part)[key]
            if mine != theirs:
                raise SynthgenError(
                    f"{part.layout.root}: its {key} is {mine}, that of {first.layout.root} is "
                    f"{theirs}; only datasets of the same {key} can be merged"
                )
        for other in parts[:number]:
            same = other.manifest.settings == part.manifest.settings
            if same and other.plan == part.plan:
                raise SynthgenError(
                    f"{part.layout.root}: is the same dataset as {other.layout.root}; sample each "
                    "with a --seed of its own"
                )


def pieces_of(parts: Sequence[Dataset], unique: bool) -> tuple[list[Piece], int]:
    """All shards in order, with the rows that stay; and how many do not."""
    seen: set[int] = set()
    pieces, dropped = [], 0
    for part in parts:
        for shard in part.plan.shards:
            path = part.layout.data / shard.name
            receipt = receipt_of(part, shard)
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
                pieces.append(Piece(part, shard, keep, labels))
    return pieces, dropped


def joined_plan(first: Plan, pieces: Sequence[Piece]) -> Plan:
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
