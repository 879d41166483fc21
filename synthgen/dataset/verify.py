"""Check every promise of a dataset folder against its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.dataset.commit import read_json
from synthgen.dataset.encoding.images import decode
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import read_manifest
from synthgen.dataset.receipts import Receipt, file_sha256, read_receipt
from synthgen.dataset.schema import arrow_schema, features_of, make_features
from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.safe_yaml import front_matter
from synthgen.storage.place import Place, place
from synthgen.storage.store_path import StoreError
from synthgen.storage.tables import BadTable, open_parquet
from synthgen.storage.transfer import local_copy

BATCH = 2000


@dataclass
class Verification:
    """``problems`` is empty for a good dataset; ``rows`` and ``shards`` count what was read."""

    problems: list[str] = field(default_factory=list)
    rows: int = 0
    shards: int = 0


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
    hashes: list[np.ndarray] = []
    with Progress(plan.rows, "verifying") as progress, ThreadPoolExecutor() as pool:
        for shard in plan.shards:
            if not (layout.data / shard.name).is_file():
                continue
            with local_copy(layout.data / shard.name) as path:
                _shard(path, layout, plan, shard, manifest, found, hashes, progress, pool)
    if hashes:
        every = np.concatenate(hashes)
        repeated = len(every) - len(np.unique(every))
        if repeated and _without_duplicates(manifest):
            found.problems.append(f"{repeated} images repeat the pixels of others")
    return found


def _plan(layout: Layout, found: Verification) -> Plan | None:
    source = layout.plan if layout.plan.is_file() else layout.manifest
    try:
        record = read_json(source)
        return Plan.from_json(record if source == layout.plan else record["plan"])
    except StoreError:
        raise
    except (SynthgenError, KeyError, TypeError) as error:
        found.problems.append(f"{source.name}: no readable plan ({error})")
        return None


def _manifest(layout: Layout, plan: Plan, found: Verification) -> dict[str, Any]:
    try:
        manifest = read_manifest(layout)
        if manifest["plan_hash"] != plan.hash:
            found.problems.append("manifest.json: is of another plan than .synthgen/plan.json")
        return manifest
    except StoreError:
        raise
    except (SynthgenError, KeyError, TypeError) as error:
        found.problems.append(f"manifest.json: missing or damaged ({error})")
        return {}


def _names(layout: Layout, plan: Plan, found: Verification) -> None:
    planned = {shard.name for shard in plan.shards}
    there = {path.name for path in layout.data.iterdir()} if layout.data.is_dir() else set()
    for name in sorted(planned - there):
        found.problems.append(f"data/{name}: missing")
    for name in sorted(there - planned):
        found.problems.append(f"data/{name}: not in the plan")


def _card(layout: Layout, plan: Plan, found: Verification) -> None:
    if not layout.is_complete():
        found.problems.append("README.md: missing: the dataset is not complete; run sample again")
        return
    try:
        text = layout.card.read_text(encoding="utf-8")
        front = front_matter(text)
        info = next(i for i in front["dataset_info"] if i["config_name"] == "default")
        splits = {s["name"]: s["num_examples"] for s in info["splits"]}
        label = next(f["dtype"] for f in info["features"] if f["name"] == "label")
        names = tuple(label["class_label"]["names"].values())
    except (OSError, ValueError, KeyError, IndexError, TypeError, StopIteration,
            AttributeError):  # fmt: skip
        found.problems.append("README.md: its YAML cannot be read")
        return
    if splits != plan.splits:
        found.problems.append(f"README.md: says {splits} images, the plan {plan.splits}")
    if names != plan.classes:
        found.problems.append("README.md: its class names are not those of the plan")


def _shard(
    path: Path,
    layout: Layout,
    plan: Plan,
    shard: ShardPlan,
    manifest: dict[str, Any],
    found: Verification,
    hashes: list[np.ndarray],
    progress: Progress,
    pool: ThreadPoolExecutor,
) -> None:
    where = f"data/{shard.name}"
    receipt = _receipt(layout, shard, manifest)
    if receipt is None:
        found.problems.append(f"{where}: has no receipt")
    elif path.stat().st_size != receipt.bytes:
        found.problems.append(
            f"{where}: {path.stat().st_size} bytes, its receipt says {receipt.bytes}"
        )
    elif file_sha256(path) != receipt.sha256:
        found.problems.append(f"{where}: its bytes are not those of its receipt (SHA-256 differs)")
    if receipt is not None and receipt.rejects_sha256 is not None:
        thrown = layout.rejects / shard.name
        if not thrown.is_file() or file_sha256(thrown) != receipt.rejects_sha256:
            found.problems.append(f"{where}: its file of rejects is missing or damaged")
    try:
        table = open_parquet(path)
        _footer(table, shard, plan, manifest, found, where)
        image = _image(manifest)
        counts = np.zeros(len(plan.classes), dtype=np.int64)
        pictures = ["image", "source"] if _paired(manifest) else ["image"]
        for batch in table.iter_batches(BATCH, columns=[*pictures, "label", "pixel_hash"]):
            labels = np.asarray(batch.column("label"))
            inside = (labels >= 0) & (labels < len(plan.classes))
            if not inside.all():
                found.problems.append(f"{where}: a label is outside 0 to {len(plan.classes) - 1}")
            counts += np.bincount(labels[inside], minlength=len(plan.classes))
            hashes.append(np.asarray(batch.column("pixel_hash")))
            for column in pictures:
                encoded = batch.column(column).field("bytes").to_pylist()
                for offset, fault in _undecodable(encoded, image, pool):
                    row = found.rows + offset
                    found.problems.append(f"{where}: {column} of row {row} {fault}")
            found.rows += len(labels)
            progress.add(len(labels))
        if tuple(counts.tolist()) != shard.quotas:
            found.problems.append(
                f"{where}: {counts.tolist()} images per class, not {shard.quotas}"
            )
        found.shards += 1
    except (BadTable, pa.ArrowException, OSError, KeyError) as error:
        reason = " ".join(str(error).split())[:160]
        found.problems.append(f"{where}: not a readable Parquet file ({reason})")


def _receipt(layout: Layout, shard: ShardPlan, manifest: dict[str, Any]) -> Receipt | None:
    """The receipt file, else the manifest's copy (a dataset moved without its dot-folder)."""
    receipt = read_receipt(layout, shard)
    if receipt is not None:
        copies = [r for r in manifest.get("receipts", []) if r["shard"] == shard.name]
        return receipt if not copies or copies[0] == asdict(receipt) else None
    if layout.receipts.is_dir():
        return None  # missing or damaged: to a run that goes on, the shard is not done
    for record in manifest.get("receipts", []):
        if record["shard"] == shard.name:
            return Receipt(**record)
    return None


def _footer(
    table: pq.ParquetFile,
    shard: ShardPlan,
    plan: Plan,
    manifest: dict[str, Any],
    found: Verification,
    where: str,
) -> None:
    if table.metadata.num_rows != shard.rows:
        found.problems.append(f"{where}: {table.metadata.num_rows} rows, planned {shard.rows}")
    if not manifest:
        return  # which is a problem of its own; what columns there should be is not known
    expected = make_features(
        plan.classes, tuple(manifest.get("scores", ())), paired=_paired(manifest)
    )
    if features_of(table.schema_arrow) != expected.to_dict():
        found.problems.append(f"{where}: its features are not those of the card")
    if not table.schema_arrow.equals(arrow_schema(expected)):
        found.problems.append(f"{where}: its columns are not those of the features")


def _paired(manifest: dict[str, Any]) -> bool:
    return bool(manifest.get("generator", {}).get("domains"))


def _image(manifest: dict[str, Any]) -> ImageSpec | None:
    try:
        return ImageSpec(**manifest["generator"]["image"])
    except (KeyError, TypeError):
        return None


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


def _without_duplicates(manifest: dict[str, Any]) -> bool:
    filters = manifest.get("settings", {}).get("filters", {})
    return bool(isinstance(filters, dict) and filters.get("exact_duplicates"))
