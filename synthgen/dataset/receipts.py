"""Receipts: what was made, by which plan, and the hash of its bytes. A shard without one is not
done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from synthgen.dataset.commit import read_json, write_json
from synthgen.dataset.layout import Layout
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.storage.lock import refuse_lost
from synthgen.storage.place import Place
from synthgen.storage.store_path import StoreError


@dataclass(frozen=True)
class Receipt:
    """One finished shard."""

    shard: str
    """File name inside ``data/``."""
    rows: int
    per_class: dict[str, int]
    bytes: int
    sha256: str
    order: str
    """Hash of what was ordered: settings, classes, seed, the shard's plan, excluded candidates."""
    rejected: dict[str, dict[str, int]]
    """Reason to class to count."""
    seconds: dict[str, float]
    """Stage to seconds of work, as if all threads had done nothing else meanwhile."""
    device: str
    rejects_sha256: str | None = None
    """Hash of the shard's file of rejects, where they are kept."""

    @staticmethod
    def from_json(record: Any) -> Receipt:
        """The receipt of a JSON object, which anybody may have written.

        Raises:
            TypeError, ValueError, AttributeError: it is none.
        """
        receipt = Receipt(**record)
        counts = [receipt.rows, receipt.bytes, *receipt.per_class.values()]
        for by_class in receipt.rejected.values():
            counts += by_class.values()
        texts = [receipt.shard, receipt.sha256, receipt.order, receipt.device]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("a receipt counts what is no number")
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a receipt names what is no text")
        return receipt


def order_hash(
    plan: Plan, shard: ShardPlan, settings_hash: str, excluded: frozenset[tuple[int, int]]
) -> str:
    """Hash of everything that decides a shard's bytes. The rest of the plan is not among it, so a
    dataset that grows keeps its shards.
    """
    record = [settings_hash, plan.classes, plan.seed, asdict(shard), sorted(excluded)]
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def receipt_path(layout: Layout, shard: ShardPlan) -> Place:
    return layout.receipts / f"{shard.name}.json"


def write_receipt(layout: Layout, shard: ShardPlan, receipt: Receipt) -> None:
    """Put the receipt in its place; from here on the shard is done.

    Raises:
        SynthgenError: this process had the dataset's lock, and another has taken it over.
    """
    refuse_lost(layout.root)
    write_json(asdict(receipt), receipt_path(layout, shard), layout.staging)


def read_receipt(layout: Layout, shard: ShardPlan) -> Receipt | None:
    """The shard's receipt; ``None`` if there is none or it cannot be read (the shard is made
    again).

    Raises:
        StoreError: the store fails, which says nothing of the shard.
    """
    path = receipt_path(layout, shard)
    if not path.is_file():
        return None
    try:
        return Receipt.from_json(read_json(path))
    except StoreError:
        raise
    except (SynthgenError, TypeError, ValueError, AttributeError):
        return None


def receipts_of(layout: Layout, plan: Plan) -> list[Receipt]:
    """The receipts of all shards of a plan, in its order.

    Raises:
        SynthgenError: one is not there or cannot be read.
        StoreError: the store fails.
    """
    receipts = []
    for shard in plan.shards:
        receipt = read_receipt(layout, shard)
        if receipt is None:
            raise SynthgenError(
                f"{receipt_path(layout, shard)}: missing or damaged; run the same again to go on"
            )
        receipts.append(receipt)
    return receipts


def is_done(layout: Layout, shard: ShardPlan, order: str) -> bool:
    """Whether the shard's receipt is of this order and its bytes are those of the receipt."""
    receipt = read_receipt(layout, shard)
    path = layout.data / shard.name
    if receipt is None or receipt.order != order or not path.is_file():
        return False
    return path.stat().st_size == receipt.bytes and file_sha256(path) == receipt.sha256


def file_sha256(path: Place) -> str:
    """SHA-256 (hex) of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
