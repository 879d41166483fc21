"""A dataset to a repository of the Hugging Face hub.

Large files go first, one by one: the hub keeps them by their hash, so what has arrived before a
break is not sent again. Then a commit names them all: readers see the old dataset or the new one.
Only where there are more files than one commit takes, several do, and the card is in the last.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from synthgen.machine.progress import over
from synthgen.spec.errors import SynthgenError
from synthgen.stages.publish.parcel import CARD, Parcel, is_stale
from synthgen.storage.transfer import local_copy

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

COMMIT_FILES = 100
"""Files in one commit: the hub's own advice."""


def to_hub(parcels: Sequence[Parcel], repository: str, *, private: bool) -> str:
    """Publish to a dataset repository, made (private or public) if there is none; its revision.

    Files of which the hub has the same content are not sent again. Shards of an earlier state of
    the dataset that are no longer part of it are removed, in the same commit.

    Raises:
        SynthgenError: the name is none of a repository.
        Exception: whatever the hub's client raises: no access, no network, somebody else's commit
            in between.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    if not REPOSITORY.fullmatch(repository) or ".." in repository:
        raise SynthgenError(f"hf://{repository}: is no repository; give hf://ORGANISATION/NAME")
    api: Any = HfApi()
    of = {"repo_id": repository, "repo_type": "dataset"}
    api.create_repo(**of, private=private, exist_ok=True)
    there = _listing(api, of)
    revision: str = api.dataset_info(repository).sha
    missing = [parcel for parcel in parcels if not _same(there.get(parcel.name), parcel)]
    stale = sorted(name for name in there if is_stale(name, parcels))
    if not missing and not stale:
        return revision
    operations: list[Any] = []
    for parcel in over(missing, len(missing), "publishing", "file"):
        if not parcel.name.endswith(".parquet"):
            operations.append(CommitOperationAdd(parcel.name, parcel.path.read_bytes()))
            continue
        with local_copy(parcel.path) as file:
            addition = CommitOperationAdd(parcel.name, str(file))
            addition.upload_info.sha256 = bytes.fromhex(parcel.sha256)
            api.preupload_lfs_files(**of, additions=[addition], num_threads=1)
        operations.append(addition)
    operations = [CommitOperationDelete(name) for name in stale] + operations
    if len(operations) > COMMIT_FILES and CARD in there:
        # Between two commits nothing may call itself complete.
        operations.insert(0, CommitOperationDelete(CARD))
    for start in range(0, len(operations), COMMIT_FILES):
        part = operations[start : start + COMMIT_FILES]
        last = start + COMMIT_FILES >= len(operations)
        message = "Dataset card and manifest" if last else f"Files {start} and on"
        made = api.create_commit(
            **of, operations=part, commit_message=message, parent_commit=revision
        )
        revision = made.oid
    arrived = _listing(api, of, revision)
    odd = [parcel.name for parcel in parcels if not _same(arrived.get(parcel.name), parcel)]
    if odd:
        raise OSError(f"{odd[0]}: the hub has other content than was sent")
    return revision


def _listing(api: Any, of: dict[str, str], revision: str | None = None) -> dict[str, Any]:
    """The repository's files by name."""
    entries = api.list_repo_tree(**of, recursive=True, revision=revision)
    return {entry.path: entry for entry in entries if hasattr(entry, "blob_id")}


def _same(entry: Any, parcel: Parcel) -> bool:
    """Whether the hub's file has the parcel's content: by SHA-256 if large, else by git's hash."""
    if entry is None or entry.size != parcel.size:
        return False
    if entry.lfs is not None:
        return bool(entry.lfs.sha256 == parcel.sha256)
    content = parcel.path.read_bytes()
    blob = b"blob %d\0" % len(content) + content
    return bool(entry.blob_id == hashlib.sha1(blob, usedforsecurity=False).hexdigest())
