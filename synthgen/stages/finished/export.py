"""A finished dataset in other forms: folders of image files with a CSV, WebDataset shards, folders
of meshes."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from synthgen.dataset.commit import disk_errors
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest, finished_manifest, refuse_damaged
from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError
from synthgen.spec.vectors import Attributes
from synthgen.stages.finished.class_folders import folder_names, metadata_name, table_bytes
from synthgen.stages.finished.growing import grown_and_sent, grown_here, put
from synthgen.stages.finished.meshes import Meshes, meshes_of
from synthgen.storage.place import Place, place
from synthgen.storage.store_path import StorePath
from synthgen.storage.tables import open_parquet
from synthgen.storage.whole import written_whole

Format = Literal["imagefolder", "webdataset", "obj", "glb"]
ENDING = {"png": "png", "webp": "webp", "jpeg": "jpg"}
MARKS = {b"PNG": "png", b"WEBP": "webp", b"\xff\xd8": "jpg"}
"""What the first bytes of image files have in them."""
BATCH = 512


@dataclass(frozen=True)
class _Row:
    """One image file, its label and everything else that the dataset says of it."""

    split: str
    number: int
    """Position in its split."""
    encoded: bytes
    files: dict[str, bytes]
    """Further columns that are files, by ``column.ending``."""
    label: int
    others: dict[str, Any]
    """Class labels that travelled along by their names, as text."""


def export(folder: str | Place, out: str | Place, form: Format) -> int:
    """Write the dataset's image files, byte for byte and in order, into the new folder ``out``.

    ``imagefolder``: ``SPLIT/CLASS/NUMBER.png`` and ``SPLIT/metadata.csv`` with ``file_name``,
    ``label`` and the other columns; ``metadata.parquet`` in its place where a class has a name that
    readers of CSV take for something else, as ``NA`` and ``007``; ``metadata.jsonl`` where columns
    of the given rows travelled along, whose class labels have their names there, or where there are
    attributes. ``webdataset``:
    ``SPLIT-SHARD.tar``, one for each Parquet shard, with ``NUMBER.png``, ``NUMBER.cls`` and
    ``NUMBER.json``; and ``classes.json``. Images and bytes of further columns lie beside it as
    ``NUMBER.COLUMN.png``. ``obj`` and ``glb``: as ``imagefolder``, with the mesh of each row's
    solid as ``NUMBER.obj`` beside its picture (``mesh_file_name``; empty where no voxel is filled).
    The number of images.

    A folder of this machine appears whole. On a store the files come one by one, each whole, and
    ``.synthgen`` lies beside them until all are there; the same again goes on.

    Raises:
        SynthgenError: no finished dataset, or ``out`` is there already.
    """
    layout, target = Layout(place(folder)), place(out)
    manifest = finished_manifest(layout)
    if isinstance(target, Path) and target.exists():
        raise SynthgenError(f"{target}: exists already; name another folder with --out")
    mesh = meshes_of(manifest, form) if form in ("obj", "glb") else None
    refuse_damaged(layout, manifest)
    plan = manifest.plan
    ending = ENDING.get(manifest.settings.image_format, "png")
    write = _webdataset if form == "webdataset" else partial(_image_folder, mesh=mesh)
    receipts = [asdict(receipt) for receipt in manifest.receipts]
    stamp = json.dumps({"plan": plan.hash, "receipts": receipts, "format": form})
    progress = Progress(plan.rows, f"exporting {form}")
    growing = (
        grown_and_sent(target, stamp)
        if isinstance(target, StorePath)
        else grown_here(target, stamp)
    )
    with disk_errors(target), growing as staging, progress:
        write(layout, manifest, staging, ending, progress)
    return plan.rows


def _rows(
    layout: Layout, manifest: Manifest, progress: Progress
) -> Iterator[tuple[str, list[_Row]]]:
    """Each shard's name without its ending, and its rows."""
    plan, carried = manifest.plan, manifest.columns.carried
    named = {name: each.names for name, each in carried.items() if each.names}
    attributes = _attributes(manifest)
    numbers = dict.fromkeys(plan.splits, 0)
    for shard in plan.shards:
        rows = []
        for batch in open_parquet(layout.data / shard.name).iter_batches(BATCH):
            for record in batch.to_pylist():
                image, label = record.pop("image")["bytes"], record.pop("label")
                for name, classes in named.items():
                    record[name] = None if record[name] is None else classes[record[name]]
                for name, field in attributes.items():
                    record[name] = _in_words(record[name], field)
                number = numbers[shard.split]
                rows.append(_Row(shard.split, number, image, _files(record), label, record))
                numbers[shard.split] += 1
            progress.add(batch.num_rows)
        yield shard.name.removesuffix(".parquet"), rows


def _attributes(manifest: Manifest) -> dict[str, Attributes]:
    fields = manifest.columns.fields.items()
    return {name: field for name, field in fields if isinstance(field, Attributes)}


def _in_words(cell: dict[str, Any], field: Attributes) -> dict[str, Any]:
    """A cell of attributes, its choices by their names."""
    return {
        name: field.choices[name][value] if name in field.choices and value is not None else value
        for name, value in cell.items()
    }


def _files(record: dict[str, Any]) -> dict[str, bytes]:
    """Take what are files out of a row: images, and plain bytes."""
    found = {}
    for name, value in list(record.items()):
        content = value.get("bytes") if isinstance(value, dict) else value
        if isinstance(content, bytes):
            del record[name]
            ending = next((e for mark, e in MARKS.items() if mark in content[:12]), "bin")
            found[f"{name}.{ending}"] = content
    return found


def _image_folder(
    layout: Layout, manifest: Manifest, staging: Path, ending: str, progress: Progress,
    mesh: Meshes | None = None,
) -> None:  # fmt: skip
    plan, carried = manifest.plan, manifest.columns.carried
    folders = folder_names(plan.classes)
    for split in plan.splits:
        for name in folders:
            (staging / split / name).mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[dict[str, Any]]] = {split: [] for split in plan.splits}
    for _, rows in _rows(layout, manifest, progress):
        for row in rows:
            name = f"{folders[row.label]}/{row.number:08d}"
            put(staging / row.split / f"{name}.{ending}", row.encoded)
            record = {"file_name": f"{name}.{ending}", "label": plan.classes[row.label]}
            files = row.files
            if mesh is not None:
                files, found = mesh.apart(files)
                if found is not None:
                    put(staging / row.split / f"{name}.{mesh.form}", found)
                record["mesh_file_name"] = "" if found is None else f"{name}.{mesh.form}"
            for kind, content in files.items():
                put(staging / row.split / f"{name}.{kind}", content)
                record[f"{kind.rpartition('.')[0]}_file_name"] = f"{name}.{kind}"
            tables[row.split].append({**record, **row.others})
    texts = (record[name] for records in tables.values() for record in records for name in carried)
    typed = bool(carried) or bool(_attributes(manifest))
    metadata = metadata_name(plan.classes, texts if typed else None)
    for split, records in tables.items():
        put(staging / split / metadata, table_bytes(records, metadata))


def _webdataset(
    layout: Layout, manifest: Manifest, staging: Path, ending: str, progress: Progress
) -> None:
    classes = list(manifest.plan.classes)
    put(staging / "classes.json", json.dumps(classes, ensure_ascii=False).encode())
    for name, rows in _rows(layout, manifest, progress):
        final = staging / f"{name}.tar"
        if final.exists():
            continue
        with (
            written_whole(final) as beside,
            tarfile.open(beside, "w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for row in rows:
                parts = {ending: row.encoded, "cls": str(row.label).encode()}
                parts |= row.files
                parts["json"] = json.dumps(row.others).encode()
                for kind, content in parts.items():
                    info = tarfile.TarInfo(f"{row.number:08d}.{kind}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
