"""Copy a finished dataset to where others read it: the Hugging Face hub, or any fsspec URL.

The card goes last: a place that has it has everything that it speaks of. The run's own dot-folder
stays at home; the manifest has all that ``verify`` needs. What has been published, where and as
which revision, is in ``.synthgen/published.json``, the newest last.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from synthgen.dataset.commit import disk_errors, read_json, write_json
from synthgen.dataset.layout import Layout
from synthgen.machine.progress import over
from synthgen.spec.credentials import without_credentials
from synthgen.spec.errors import SynthgenError
from synthgen.stages.publish.hub import to_hub
from synthgen.stages.publish.parcel import (
    CARD,
    MANIFEST,
    Parcel,
    is_stale,
    pack,
    without_real_images,
)
from synthgen.storage.checksum import has_content
from synthgen.storage.place import Place, place
from synthgen.storage.transfer import copy_whole, files_below, local_copy

HUB = "hf://"


def publish(
    folder: str | Place, where: str, *, private: bool = True, real_images: bool = True
) -> str:
    """Publish the dataset in ``folder``; where it can be read, with its revision if it has one.

    ``hf://org/name`` uploads to a dataset repository of the hub, made (private unless told
    otherwise) if there is none. Any other text is an fsspec URL or a local path. Files that are
    there already with the same content are not sent again, so an upload that broke off goes on.

    Without ``real_images`` no picture of a real image is sent: the evaluation's evidence stays at
    home, the report is made again without them, and older ones at the place are removed.

    Raises:
        SynthgenError: the dataset is not finished or is damaged, or the place cannot be written or
            is the dataset's own folder; or it consists of real images in part, and is to be
            published without.
    """
    layout = Layout(place(folder))
    parcels = pack(layout)
    layout.refuse_links()
    with tempfile.TemporaryDirectory(prefix="synthgen-") as scratch:
        if not real_images:
            parcels = without_real_images(layout, parcels, Path(scratch))
        return _send(layout, parcels, where, private)


def _send(layout: Layout, parcels: Sequence[Parcel], where: str, private: bool) -> str:
    shown = without_credentials(where.rstrip("/"))
    revision = None
    try:
        if where.startswith(HUB):
            repository = where.removeprefix(HUB).strip("/")
            revision = to_hub(parcels, repository, private=private)
        else:
            target = place(where)
            layout.refuse_inside(target)
            _to_place(parcels, target)
    except SynthgenError:
        raise
    except Exception as error:  # whatever a store has to say is about the user's place or access
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise SynthgenError(f"{shown}: cannot publish ({reason}); the same again goes on") from None
    _record(layout, shown, revision, parcels)
    return f"{shown}@{revision}" if revision else shown


def _record(layout: Layout, shown: str, revision: str | None, parcels: Sequence[Parcel]) -> None:
    """Note it in the dot-folder; a dataset that came without one keeps none."""
    if not layout.settings.is_file():
        return
    path = layout.own / "published.json"
    manifest = next(parcel.sha256 for parcel in parcels if parcel.name == MANIFEST)
    entry = {
        "where": shown,
        "revision": revision,
        "files": len(parcels),
        "bytes": sum(parcel.size for parcel in parcels),
        "manifest_sha256": manifest,
    }
    with disk_errors(layout.root):
        known = read_json(path) if path.is_file() else []
        if not known or known[-1] != entry:
            write_json([*known, entry], path, layout.staging)


def _to_place(parcels: Sequence[Parcel], root: Place) -> None:
    try:
        there = set(files_below(root))
    except FileNotFoundError:
        there = set()
    missing = [p for p in parcels if not _arrived(root, there, p)]
    stale = sorted(name for name in there if is_stale(name, parcels))
    if CARD in there and (stale or any(parcel.name != CARD for parcel in missing)):
        # What is there is about to be neither the old dataset nor the new one.
        (root / CARD).unlink(missing_ok=True)
        missing = [p for p in missing if p.name != CARD]
        missing += [p for p in parcels if p.name == CARD]
    for name in stale:
        (root / name).unlink(missing_ok=True)
    for parcel in over(missing, len(missing), "publishing", "file"):
        with local_copy(parcel.path) as file:
            copy_whole(file, root / parcel.name)


def _arrived(root: Place, there: set[str], parcel: Parcel) -> bool:
    target = root / parcel.name
    return parcel.name in there and has_content(target, parcel.path, parcel.size, parcel.sha256)
