"""What is published: the files of a finished dataset, each checked before it leaves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import read_manifest
from synthgen.dataset.receipts import file_sha256
from synthgen.spec.errors import SynthgenError
from synthgen.stages.publish.report import report_page
from synthgen.storage.place import Place
from synthgen.storage.transfer import files_below

CARD, MANIFEST = "README.md", "manifest.json"
EVIDENCE, PAGE = "report/evidence.json", "report/report.html"
"""What shows real images, if an evaluation has been made."""
SHARD = re.compile(r"(data|rejects)/[A-Za-z][A-Za-z0-9_]*-\d{5,}\.parquet")


@dataclass(frozen=True)
class Parcel:
    """One file: where it lies, and what it will be called, relative to the dataset."""

    name: str
    path: Place
    size: int
    sha256: str


def pack(layout: Layout) -> list[Parcel]:
    """All files of the dataset but its dot-folder: the manifest last but one, the card last.

    Raises:
        SynthgenError: the dataset is not finished, or a shard is missing, damaged or not its own.
    """
    root = layout.root
    if not layout.is_complete() or not layout.manifest.is_file():
        raise SynthgenError(f"{root}: is no finished synthgen dataset (no {CARD} or {MANIFEST})")
    manifest = read_manifest(layout)
    shards = {f"data/{shard.name}" for shard in manifest.plan.shards}
    promised = {f"data/{receipt.shard}": receipt.sha256 for receipt in manifest.receipts}
    names = [name for name in files_below(root) if not name.startswith(".")]
    for name in sorted(shards - set(names)):  # links are not followed
        raise SynthgenError(f"{root / name}: missing, or a link; mend it with synthgen repair")
    for name in names:
        if name.startswith("data/") and name not in shards:
            raise SynthgenError(f"{root / name}: is no shard of this dataset; move it elsewhere")
    parcels = []
    for name in sorted(names, key=lambda name: (name == CARD, name == MANIFEST, name)):
        path = root / name
        digest = file_sha256(path)
        if name in shards and promised.get(name) != digest:
            raise SynthgenError(f"{path}: damaged; mend it with synthgen repair")
        parcels.append(Parcel(name, path, path.stat().st_size, digest))
    return parcels


def without_real_images(layout: Layout, parcels: Sequence[Parcel], scratch: Path) -> list[Parcel]:
    """The parcels that show no real image: the evidence stays at home, the page is made again.

    Args:
        layout: the dataset.
        parcels: all of it.
        scratch: folder for the page, for as long as the parcels are needed.

    Raises:
        SynthgenError: the images are translations, whose sources are real images.
    """
    if read_manifest(layout).settings.source_fingerprint:
        raise SynthgenError(
            f"{layout.root}: its images are translations, and what they translate, real images, is "
            "its column 'source': it cannot be published without real images"
        )
    kept = []
    for parcel in parcels:
        if parcel.name == EVIDENCE:
            continue
        if parcel.name == PAGE:
            path = scratch / "report.html"
            path.write_text(report_page(layout.root, real_images=False), encoding="utf-8")
            parcel = Parcel(PAGE, path, path.stat().st_size, file_sha256(path))
        kept.append(parcel)
    return kept


def is_stale(name: str, parcels: Sequence[Parcel]) -> bool:
    """Whether a file at the place where the dataset goes is one that it no longer has, and is in
    the way: a shard, which a loader would read, or pictures of an earlier evaluation."""
    meant = bool(SHARD.fullmatch(name)) or name in (EVIDENCE, PAGE)
    return meant and all(parcel.name != name for parcel in parcels)
