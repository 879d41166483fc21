"""A finished dataset in other forms: image folders with a table, WebDataset, COCO, meshes."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal

from synthgen.dataset.commit import disk_errors
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest, finished_manifest, refuse_damaged
from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError
from synthgen.spec.kinds import field_to_json
from synthgen.spec.maps import Keypoints, Mask
from synthgen.stages.finished.class_folders import folder_names, metadata_name, table_bytes
from synthgen.stages.finished.coco import places_of, write_coco
from synthgen.stages.finished.exported import exported_rows
from synthgen.stages.finished.growing import grown_and_sent, grown_here, put
from synthgen.stages.finished.meshes import Meshes, meshes_of
from synthgen.storage.place import Place, place
from synthgen.storage.store_path import StorePath
from synthgen.storage.whole import written_whole

Format = Literal["imagefolder", "webdataset", "coco", "obj", "glb"]
ENDING = {"png": "png", "webp": "webp", "jpeg": "jpg"}


def export(folder: str | Place, out: str | Place, form: Format) -> int:
    """Write the dataset's image files, byte for byte and in order, into the new folder ``out``.

    ``imagefolder``: ``SPLIT/CLASS/NUMBER.png`` and ``SPLIT/metadata.csv`` with ``file_name``,
    ``label`` and the other columns; ``metadata.parquet`` in its place where a class has a name that
    readers of CSV take for something else, as ``NA`` and ``007``; ``metadata.jsonl`` where there is
    more than image and label: fields, of which images are further files (``mask_file_name``), and
    columns of the given rows that travelled along, class labels by their names.
    ``classes.json`` has the names of a mask's values, ``joints.json`` those of joints. Solids are
    ``NUMBER.voxels.npy``, ``bool [S, S, S]``.
    ``webdataset``:
    ``SPLIT-SHARD.tar``, one for each Parquet shard, with ``NUMBER.png``, ``NUMBER.cls`` and
    ``NUMBER.json``; and ``classes.json``. Images and bytes of further columns lie beside it as
    ``NUMBER.COLUMN.png``. Both have ``fields.json``, which says what further fields there are.
    ``coco``: see :mod:`synthgen.stages.finished.coco`. ``obj`` and ``glb``: as ``imagefolder``,
    with the mesh of each row's solid as ``NUMBER.obj`` in place of its voxels (``mesh_file_name``;
    empty where no voxel is filled). The number of images.

    A folder of this machine appears whole. On a store the files come one by one, each whole, and
    ``.synthgen`` lies beside them until all are there; the same again goes on.

    Raises:
        SynthgenError: no finished dataset, ``out`` is there already, or COCO's annotations of a
            dataset that has neither a mask nor joints.
    """
    layout, target = Layout(place(folder)), place(out)
    manifest = finished_manifest(layout)
    if isinstance(target, Path) and target.exists():
        raise SynthgenError(f"{target}: exists already; name another folder with --out")
    if form == "coco":
        places_of(manifest)
    mesh = meshes_of(manifest, form) if form in ("obj", "glb") else None
    refuse_damaged(layout, manifest)
    plan = manifest.plan
    ending = ENDING.get(manifest.settings.image_format, "png")
    others = {"webdataset": _webdataset, "coco": write_coco}
    write = others.get(form) or partial(_image_folder, mesh=mesh)
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


def _image_folder(
    layout: Layout, manifest: Manifest, staging: Path, ending: str, progress: Progress,
    mesh: Meshes | None = None,
) -> None:  # fmt: skip
    plan, further = manifest.plan, manifest.columns.names
    folders = folder_names(plan.classes)
    for split in plan.splits:
        for name in folders:
            (staging / split / name).mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[dict[str, Any]]] = {split: [] for split in plan.splits}
    for _, rows in exported_rows(layout, manifest, progress):
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
    texts = (
        record[name] for records in tables.values() for record in records
        for name in further if name in record
    )  # fmt: skip
    metadata = metadata_name(plan.classes, texts if further else None)
    for split, records in tables.items():
        put(staging / split / metadata, table_bytes(records, metadata))
    _put_fields(manifest, staging)
    joints = [field for field in manifest.columns.fields.values() if isinstance(field, Keypoints)]
    if len(joints) == 1:
        limbs = [list(limb) for limb in joints[0].skeleton]
        told = {"joints": list(joints[0].names), "skeleton": limbs}
        put(staging / "joints.json", json.dumps(told, ensure_ascii=False).encode())
    masks = [field for field in manifest.columns.fields.values() if isinstance(field, Mask)]
    if len(masks) == 1:
        put(staging / "classes.json", json.dumps(masks[0].names, ensure_ascii=False).encode())


def _put_fields(manifest: Manifest, staging: Path) -> None:
    """``fields.json``: kinds, names and sizes of the further fields by column."""
    fields = {name: field_to_json(field) for name, field in manifest.columns.fields.items()}
    if fields:
        put(staging / "fields.json", json.dumps(fields, ensure_ascii=False, indent=2).encode())


def _webdataset(
    layout: Layout, manifest: Manifest, staging: Path, ending: str, progress: Progress
) -> None:
    classes = list(manifest.plan.classes)
    put(staging / "classes.json", json.dumps(classes, ensure_ascii=False).encode())
    _put_fields(manifest, staging)
    for name, rows in exported_rows(layout, manifest, progress):
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
