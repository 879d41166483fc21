"""Check every promise of a dataset folder against its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.dataset.codecs.registry import codec_of
from synthgen.dataset.commit import read_json
from synthgen.dataset.encoding.images import decode
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest, read_manifest
from synthgen.dataset.problems import Kind, Problem
from synthgen.dataset.receipts import Receipt, file_sha256, read_receipt
from synthgen.dataset.schema import arrow_schema, features_of, make_features
from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.safe_yaml import front_matter
from synthgen.spec.soft_labels import SOFT_LABEL
from synthgen.storage.place import Place, place
from synthgen.storage.store_path import StoreError
from synthgen.storage.tables import BadTable, open_parquet
from synthgen.storage.transfer import local_copy

BATCH = 2000

Check = Callable[[Any], str | None]
"""A cell to what is wrong with it."""


@dataclass
class Verification:
    """``problems`` is empty for a good dataset; ``rows`` and ``shards`` count what was read."""

    problems: list[Problem] = field(default_factory=list)
    rows: int = 0
    shards: int = 0

    def add(self, kind: Kind, message: str, shard: str | None = None) -> None:
        """One problem more."""
        self.problems.append(Problem(kind, shard, message))


def verify(root: str | Place) -> Verification:
    """Read the whole dataset: names, counts, checksums, footers, features, every image, duplicates.

    Raises:
        SynthgenError: the folder is no synthgen dataset at all, or its store fails.
    """
    layout = Layout(place(root))
    if not layout.own.is_dir() and not layout.manifest.is_file():
        raise SynthgenError(f"{root}: is no synthgen dataset (no manifest.json)")
    found = Verification()
    plan = _plan(layout, found)
    if plan is None:
        return found
    manifest = _manifest(layout, plan, found)
    _names(layout, plan, found)
    _card(layout, plan, found)
    with Progress(plan.rows, "verifying") as progress, ThreadPoolExecutor() as pool:
        reader = _Reader(layout, plan, manifest, found, progress, pool)
        for shard in plan.shards:
            if (layout.data / shard.name).is_file():
                with local_copy(layout.data / shard.name) as path:
                    reader.read(path, shard)
    if reader.hashes:
        every = np.concatenate(reader.hashes)
        repeated = len(every) - len(np.unique(every))
        if repeated and manifest is not None and manifest.settings.exact_duplicates:
            found.add(Kind.REPEATS, f"{repeated} images repeat the pixels of others")
    return found


def _plan(layout: Layout, found: Verification) -> Plan | None:
    source = layout.plan if layout.plan.is_file() else layout.manifest
    try:
        record = read_json(source)
        return Plan.from_json(record if source == layout.plan else record["plan"])
    except StoreError:
        raise
    except (SynthgenError, KeyError, TypeError) as error:
        found.add(Kind.PLAN, f"{source.name}: no readable plan ({error})")
        return None


def _manifest(layout: Layout, plan: Plan, found: Verification) -> Manifest | None:
    try:
        manifest = read_manifest(layout)
    except StoreError:
        raise
    except SynthgenError as error:
        found.add(Kind.MANIFEST, f"manifest.json: missing or damaged ({error})")
        return None
    if manifest.made.plan_hash != plan.hash:
        found.add(Kind.MANIFEST, "manifest.json: is of another plan than .synthgen/plan.json")
    return manifest


def _names(layout: Layout, plan: Plan, found: Verification) -> None:
    planned = {shard.name for shard in plan.shards}
    there = {path.name for path in layout.data.iterdir()} if layout.data.is_dir() else set()
    for name in sorted(planned - there):
        found.add(Kind.MISSING, "missing", name)
    for name in sorted(there - planned):
        found.add(Kind.STRAY, "not in the plan", name)


def _card(layout: Layout, plan: Plan, found: Verification) -> None:
    if not layout.is_complete():
        found.add(Kind.CARD, "README.md: missing: the dataset is not complete; run sample again")
        return
    try:
        text = layout.card.read_text(encoding="utf-8")
        front = front_matter(text)
        info = next(i for i in front["dataset_info"] if i["config_name"] == "default")
        splits = {s["name"]: s["num_examples"] for s in info["splits"]}
        label = next(f["dtype"] for f in info["features"] if f["name"] == "label")
        names = tuple(label["class_label"]["names"].values())
    except (OSError, ValueError, KeyError, IndexError, TypeError, StopIteration, AttributeError):
        found.add(Kind.CARD, "README.md: its YAML cannot be read")
        return
    if splits != plan.splits:
        found.add(Kind.CARD, f"README.md: says {splits} images, the plan {plan.splits}")
    if names != plan.classes:
        found.add(Kind.CARD, "README.md: its class names are not those of the plan")


@dataclass
class _Reader:
    """Reads shards and adds what is wrong with them to ``found``."""

    layout: Layout
    plan: Plan
    manifest: Manifest | None
    found: Verification
    progress: Progress
    pool: ThreadPoolExecutor
    hashes: list[np.ndarray] = field(default_factory=list)
    """Pixel hashes of all rows read."""

    def read(self, path: Path, shard: ShardPlan) -> None:
        """Check one shard, of which ``path`` is the file or a copy."""
        self._bytes(path, shard)
        try:
            table = open_parquet(path)
            self._footer(table, shard)
            counts = self._rows(table, shard)
            if tuple(counts.tolist()) != shard.quotas:
                text = f"{counts.tolist()} images per class, not {shard.quotas}"
                self.found.add(Kind.ROWS, text, shard.name)
            self.found.shards += 1
        except (BadTable, pa.ArrowException, OSError, KeyError) as error:
            reason = " ".join(str(error).split())[:160]
            text = f"not a readable Parquet file ({reason})"
            self.found.add(Kind.UNREADABLE, text, shard.name)

    def _bytes(self, path: Path, shard: ShardPlan) -> None:
        receipt, found = self._receipt(shard), self.found
        if receipt is None:
            found.add(Kind.RECEIPT, "has no receipt", shard.name)
            return
        if path.stat().st_size != receipt.bytes:
            text = f"{path.stat().st_size} bytes, its receipt says {receipt.bytes}"
            found.add(Kind.RECEIPT, text, shard.name)
        elif file_sha256(path) != receipt.sha256:
            text = "its bytes are not those of its receipt (SHA-256 differs)"
            found.add(Kind.RECEIPT, text, shard.name)
        if receipt.rejects_sha256 is not None:
            thrown = self.layout.rejects / shard.name
            if not thrown.is_file() or file_sha256(thrown) != receipt.rejects_sha256:
                text = "its file of rejects is missing or damaged"
                found.add(Kind.REJECTS, text, shard.name)

    def _receipt(self, shard: ShardPlan) -> Receipt | None:
        """The receipt file, else the manifest's copy (a dataset moved without its dot-folder)."""
        receipt = read_receipt(self.layout, shard)
        copy = self.manifest.receipt(shard.name) if self.manifest else None
        if receipt is not None:
            return receipt if copy in (None, receipt) else None
        if self.layout.receipts.is_dir():
            return None  # missing or damaged: to a run that goes on, the shard is not done
        return copy

    def _footer(self, table: pq.ParquetFile, shard: ShardPlan) -> None:
        rows = table.metadata.num_rows
        if rows != shard.rows:
            self.found.add(Kind.ROWS, f"{rows} rows, planned {shard.rows}", shard.name)
        if self.manifest is None:
            return  # which is a problem of its own; what columns there should be is not known
        expected = make_features(
            self.plan.classes, self.manifest.scores, columns=self.manifest.columns
        )
        if features_of(table.schema_arrow) != expected.to_dict():
            text = "its features are not those of the card"
            self.found.add(Kind.COLUMNS, text, shard.name)
        if not table.schema_arrow.equals(arrow_schema(expected)):
            text = "its columns are not those of the features"
            self.found.add(Kind.COLUMNS, text, shard.name)

    def _checks(self) -> dict[str, Check]:
        """What tells the faults of a cell, for each further column."""
        if self.manifest is None:
            return {}
        columns = self.manifest.columns
        found: dict[str, Check] = {n: codec_of(kind).check for n, kind in columns.fields.items()}
        found |= {name: each.check for name, each in columns.carried.items()}
        return found if columns.soft is None else {**found, SOFT_LABEL: columns.soft.fault}

    def _rows(self, table: pq.ParquetFile, shard: ShardPlan) -> np.ndarray:
        """Check every row; how many there are of each class."""
        found, classes = self.found, len(self.plan.classes)
        origin = self.manifest.generator if self.manifest else None
        image = origin.image if origin else None
        counts = np.zeros(classes, dtype=np.int64)
        checks = self._checks()
        asked = ["image", *checks, "label", "pixel_hash"]
        for batch in table.iter_batches(BATCH, columns=asked):
            labels = np.asarray(batch.column("label"))
            inside = (labels >= 0) & (labels < classes)
            if not inside.all():
                found.add(Kind.ROWS, f"a label is outside 0 to {classes - 1}", shard.name)
            counts += np.bincount(labels[inside], minlength=classes)
            self.hashes.append(np.asarray(batch.column("pixel_hash")))
            encoded = batch.column("image").field("bytes").to_pylist()
            faults = [("image", *fault) for fault in _undecodable(encoded, image, self.pool)]
            for name, check in checks.items():
                checked = self.pool.map(check, batch.column(name).to_pylist(), chunksize=64)
                faults += [(name, row, fault) for row, fault in enumerate(checked) if fault]
            for column, offset, fault in faults:
                text = f"{column} of row {found.rows + offset} {fault}"
                found.add(Kind.ROWS, text, shard.name)
            found.rows += len(labels)
            self.progress.add(len(labels))
        return counts


def _undecodable(
    encoded: list[bytes | None], image: ImageSpec | None, pool: ThreadPoolExecutor
) -> Iterator[tuple[int, str]]:
    if image is None:
        return

    def fault(item: bytes | None) -> str | None:
        try:
            decode(item or b"", image)
        except ValueError as error:
            return str(error)
        return None

    for offset, reason in enumerate(pool.map(fault, encoded, chunksize=64)):
        if reason is not None:
            yield offset, reason
