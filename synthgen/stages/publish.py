"""Copy a finished dataset to where others read it: the Hugging Face hub, or any fsspec URL.

The card goes last: a place that has it has everything that it speaks of. The run's own dot-folder
stays at home; the manifest has all that ``verify`` needs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from synthgen.dataset.layout import Layout
from synthgen.spec.errors import SynthgenError

HUB = "hf://"

RENAMING = {"file", "local", "memory", "sftp", "ssh", "smb", "ftp", "hdfs"}
"""Stores where a file grows under its name: there it is written beside and renamed. On the others
(S3, GCS, Azure) one PUT, or the end of a multipart upload, makes it appear whole."""

TRIES = 5
FIRST_WAIT = 0.5
"""Seconds before a transfer that failed is tried again; doubled each time."""


def publish(folder: str | Path, where: str, *, private: bool = True) -> str:
    """Publish the dataset in ``folder``; where it can be read.

    ``hf://org/name`` uploads to a dataset repository of the hub, made (private unless told
    otherwise) if there is none. Any other text is an fsspec URL or a local path. Files that are
    there already with the same size are not sent again, so an upload that broke off goes on.

    Raises:
        SynthgenError: the dataset is not finished, or the place cannot be written.
    """
    layout = Layout(Path(folder))
    if not layout.is_complete():
        raise SynthgenError(f"{folder}: is no finished synthgen dataset (no README.md)")
    files = _files(layout)
    try:
        if where.startswith(HUB):
            return _to_hub(layout, files, where.removeprefix(HUB).strip("/"), private)
        return _to_url(layout, files, where)
    except SynthgenError:
        raise
    except Exception as error:  # whatever a store has to say is about the user's place or access
        reason = without_credentials(" ".join(str(error).split()) or type(error).__name__)[:200]
        raise SynthgenError(
            f"{without_credentials(where)}: cannot publish ({reason}); the same again goes on"
        ) from None


def without_credentials(text: str) -> str:
    """``text`` with user names and passwords of its URLs, and signed query strings, blotted out."""
    text = re.sub(r"(://)[^/@\s]+@", r"\1***@", text)
    return re.sub(r"([?&](?:[^=&\s]*(?:sig|token|key|secret|credential)[^=&\s]*)=)[^&\s]+",
                  r"\1***", text, flags=re.IGNORECASE)  # fmt: skip


def _files(layout: Layout) -> list[str]:
    """Relative paths, the card last."""
    found = [
        path.relative_to(layout.root).as_posix()
        for path in sorted(layout.root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    ]
    inside = [name for name in found if not name.startswith(".")]
    return sorted(inside, key=lambda name: (name == "README.md", name == "manifest.json", name))


def _to_url(layout: Layout, files: list[str], where: str) -> str:
    import fsspec

    store, root = fsspec.core.url_to_fs(where)
    root = str(root).rstrip("/")
    for name in tqdm(files, unit="file", desc="publishing"):
        source, target = layout.root / name, f"{root}/{name}"
        last = name in ("README.md", "manifest.json")
        if not last and store.exists(target) and store.size(target) == source.stat().st_size:
            continue
        _again(partial(_put, store, source, target))
    return without_credentials(where)


def _put(store: Any, source: Path, target: str) -> None:
    """One file, which appears under its name whole or not at all.

    Raises:
        OSError: the store has fewer bytes than the file, or fails.
    """
    protocols = {store.protocol} if isinstance(store.protocol, str) else set(store.protocol)
    renaming = bool(protocols & RENAMING)
    written = f"{target}.part" if renaming else target
    if renaming:
        store.makedirs(target.rpartition("/")[0], exist_ok=True)
    store.put_file(str(source), written)
    store.invalidate_cache()
    size = store.size(written)
    if size != source.stat().st_size:
        raise OSError(f"{source.name}: {size} bytes arrived of {source.stat().st_size}")
    if renaming:
        store.mv(written, target)


def _again(transfer: Callable[[], None]) -> None:
    """Try a transfer up to :data:`TRIES` times, waiting longer each time.

    Raises:
        Exception: what the last try raised; a missing permission or place at once.
    """
    for number in range(TRIES):
        try:
            return transfer()
        except (PermissionError, FileNotFoundError, NotImplementedError):
            raise
        except Exception:
            if number + 1 == TRIES:
                raise
            time.sleep(FIRST_WAIT * 2**number)


def _to_hub(layout: Layout, files: list[str], repository: str, private: bool) -> str:
    from huggingface_hub import CommitOperationAdd, HfApi

    api: Any = HfApi()
    api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
    there = {
        entry.path: entry.size
        for entry in api.list_repo_tree(repository, repo_type="dataset", recursive=True)
        if getattr(entry, "size", None) is not None
    }
    shards = [name for name in files if name.endswith(".parquet")]
    for name in tqdm(shards, unit="file", desc="publishing"):
        if there.get(name) != (layout.root / name).stat().st_size:
            api.upload_file(
                path_or_fileobj=str(layout.root / name), path_in_repo=name,
                repo_id=repository, repo_type="dataset",
            )  # fmt: skip
    rest = [name for name in files if name not in shards]
    commit = api.create_commit(
        repository,
        [CommitOperationAdd(name, str(layout.root / name)) for name in rest],
        commit_message="Dataset card and manifest",
        repo_type="dataset",
    )
    return f"{HUB}{repository}@{commit.oid}"
