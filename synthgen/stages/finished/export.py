"""A finished dataset in other forms: folders of image files with a CSV, or WebDataset shards."""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from synthgen.dataset.commit import disk_errors
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import read_manifest
from synthgen.dataset.receipts import file_sha256, refuse_damaged
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan
from synthgen.stages.finished.class_folders import folder_names, metadata_name, table_bytes
from synthgen.storage.checksum import has_content
from synthgen.storage.lock import locked, refuse_lost
from synthgen.storage.place import Place, StorePath, place
from synthgen.storage.tables import open_parquet
from synthgen.storage.transfer import files_below, put_whole, scratch

Format = Literal["imagefolder", "webdataset"]
ENDING = {"png": "png", "webp": "webp", "jpeg": "jpg"}
BATCH = 512
MARK = ".synthgen"
"""Lies in an export that is not finished, and says of what it is."""
LOCK = ".lock"
AT_ONCE = 16
"""Files that are sent at the same time: most are small, and wait for the network."""


@dataclass(frozen=True)
class _Row:
    """One image file, its label and everything else that the dataset says of it."""

    split: str
    number: int
    """Position in its split."""
    encoded: bytes
    source: bytes | None
    label: int
    others: dict[str, Any]


def export(folder: str | Place, out: str | Place, form: Format) -> int:
    """Write the dataset's image files, byte for byte and in order, into the new folder ``out``.

    ``imagefolder``: ``SPLIT/CLASS/NUMBER.png`` and ``SPLIT/metadata.csv`` with ``file_name``,
    ``label`` and the other columns (``metadata.parquet`` where a class has a name that readers of
    CSV take for something else, as ``NA`` and ``007``). ``webdataset``: ``SPLIT-SHARD.tar``, one
    for each Parquet shard, with ``NUMBER.png``, ``NUMBER.cls`` and ``NUMBER.json``; and
    ``classes.json``. Pairs have the other domain's image beside it as
    ``NUMBER.source.png``. The number of images.

    A folder of this machine appears whole. On a store the files come one by one, each whole, and
    ``.synthgen`` lies beside them until all are there; the same again goes on.

    Raises:
        SynthgenError: no finished dataset, or ``out`` is there already.
    """
    layout, target = Layout(place(folder)), place(out)
    if not layout.is_complete() or not layout.manifest.is_file():
        raise SynthgenError(f"{folder}: is no finished synthgen dataset")
    if isinstance(target, Path) and target.exists():
        raise SynthgenError(f"{target}: exists already; name another folder with --out")
    manifest = read_manifest(layout)
    refuse_damaged(layout, manifest)
    plan = Plan.from_json(manifest["plan"])
    ending = ENDING.get(manifest["settings"].get("image_format"), "png")
    write = _image_folder if form == "imagefolder" else _webdataset
    stamp = json.dumps({"plan": plan.hash, "receipts": manifest["receipts"], "format": form})
    bar = tqdm(total=plan.rows, unit="img", desc=f"exporting {form}")
    growing = _sent(target, stamp) if isinstance(target, StorePath) else _renamed(target, stamp)
    with disk_errors(target), growing as staging, bar:
        write(layout, plan, staging, ending, bar)
    return plan.rows


@contextmanager
def _renamed(target: Path, stamp: str) -> Iterator[Path]:
    """The hidden folder beside ``target`` in which an export grows and which becomes it."""
    with _growing(target.with_name(f".{target.name}.partial"), target, stamp) as staging:
        yield staging
        (staging / MARK).unlink()
        staging.rename(target)


@contextmanager
def _sent(target: StorePath, stamp: str) -> Iterator[Path]:
    """The folder of this machine in which an export grows that is then sent to ``target``.

    A mark lies there from before the first file until after the last.
    """
    staging, mark = scratch(f"export {target}"), target / MARK
    with locked(target / LOCK, target), _growing(staging, target, stamp) as growing:
        there = set(files_below(target)) - {LOCK}
        if there and (MARK not in there or mark.read_text() != stamp):
            raise SynthgenError(f"{target}: is not empty; name another folder with --out")
        yield growing
        refuse_lost(target)
        put_whole(staging / MARK, mark)
        names = [name for name in files_below(staging) if name != MARK]
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            list(pool.map(lambda name: _send(staging / name, target / name, name in there), names))
        finally:
            pool.shutdown(cancel_futures=True)  # who was told to stop sends no more
        mark.unlink()
        shutil.rmtree(staging)


def _send(file: Path, target: StorePath, there: bool) -> None:
    size = file.stat().st_size
    if not there or not has_content(target, file, size, file_sha256(file)):
        put_whole(file, target)


@contextmanager
def _growing(staging: Path, target: Place, stamp: str) -> Iterator[Path]:
    """``staging``, held. What was stopped there is gone on with if it is of the same ``stamp``;
    what failed is removed."""
    if staging.is_symlink():
        raise SynthgenError(f"{staging}: is a symbolic link; remove it")
    staging.mkdir(parents=True, exist_ok=True)
    with _held(staging, target):
        try:
            mark = staging / MARK
            if not mark.is_file() or mark.read_text(encoding="utf-8") != stamp:
                for path in staging.iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                _put(mark, stamp.encode())
            yield staging
        except Exception:
            shutil.rmtree(staging, ignore_errors=True)
            raise


@contextmanager
def _held(staging: Path, target: Place) -> Iterator[None]:
    """Two exports into one folder do not meet: the kernel holds the lock, and frees it."""
    folder = os.open(staging, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SynthgenError(f"{target}: another process is exporting to it; wait for it") from None
    finally:
        os.close(folder)


def _put(path: Path, content: bytes) -> None:
    """Write a file, which has its name only when it is whole; nothing if it is there already."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)


def _rows(layout: Layout, plan: Plan, bar: tqdm[Any]) -> Iterator[tuple[str, list[_Row]]]:
    """Each shard's name without its ending, and its rows."""
    numbers = dict.fromkeys(plan.splits, 0)
    for shard in plan.shards:
        rows = []
        for batch in open_parquet(layout.data / shard.name).iter_batches(BATCH):
            for record in batch.to_pylist():
                source = record.pop("source", None)
                rows.append(
                    _Row(
                        shard.split,
                        numbers[shard.split],
                        record.pop("image")["bytes"],
                        source and source["bytes"],
                        record.pop("label"),
                        record,
                    )
                )
                numbers[shard.split] += 1
            bar.update(batch.num_rows)
        yield shard.name.removesuffix(".parquet"), rows


def _image_folder(layout: Layout, plan: Plan, staging: Path, ending: str, bar: tqdm[Any]) -> None:
    folders, metadata = folder_names(plan.classes), metadata_name(plan.classes)
    for split in plan.splits:
        for name in folders:
            (staging / split / name).mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[dict[str, Any]]] = {split: [] for split in plan.splits}
    for _, rows in _rows(layout, plan, bar):
        for row in rows:
            name = f"{folders[row.label]}/{row.number:08d}"
            _put(staging / row.split / f"{name}.{ending}", row.encoded)
            record = {"file_name": f"{name}.{ending}", "label": plan.classes[row.label]}
            if row.source is not None:
                _put(staging / row.split / f"{name}.source.{ending}", row.source)
                record["source_file_name"] = f"{name}.source.{ending}"
            tables[row.split].append({**record, **row.others})
    for split, records in tables.items():
        _put(staging / split / metadata, table_bytes(records, metadata))


def _webdataset(layout: Layout, plan: Plan, staging: Path, ending: str, bar: tqdm[Any]) -> None:
    _put(staging / "classes.json", json.dumps(list(plan.classes), ensure_ascii=False).encode())
    for name, rows in _rows(layout, plan, bar):
        final, part = staging / f"{name}.tar", staging / f".{name}.part"
        if final.exists():
            continue
        with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
            for row in rows:
                parts = {ending: row.encoded, "cls": str(row.label).encode()}
                if row.source is not None:
                    parts[f"source.{ending}"] = row.source
                parts["json"] = json.dumps(row.others).encode()
                for kind, content in parts.items():
                    info = tarfile.TarInfo(f"{row.number:08d}.{kind}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
        os.replace(part, final)
