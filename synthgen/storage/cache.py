"""What was fetched from stores, kept on this machine in the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError
from synthgen.storage.store_path import StorePath
from synthgen.storage.transfer import fetch

AT_ONCE = 16
"""Files fetched at the same time: most are small, and wait for the network."""

VERSIONS = ("ETag", "etag", "md5Hash", "generation", "LastModified", "mtime", "created")
"""What stores call that which changes with a file."""


def cache_root(cache_dir: str | None = None) -> Path:
    """``cache_dir``, else ``$SYNTHGEN_CACHE``, else ``~/.cache/synthgen``."""
    return Path(cache_dir or os.environ.get("SYNTHGEN_CACHE", "~/.cache/synthgen")).expanduser()


def fetched(folder: StorePath, cache_dir: str | None = None) -> Path:
    """A copy of ``folder`` with all that is below it; made again when the store's has changed.

    Raises:
        SynthgenError: there is no such folder, or one of its files has a name that leads elsewhere.
        StoreError: the store fails.
    """
    store: Any = folder.store
    listed = folder.asked(lambda: store.find(folder.path, detail=True))
    files = {str(path).removeprefix(folder.path).lstrip("/"): about
             for path, about in sorted(listed.items())}  # fmt: skip
    files.pop("", None)
    if not files:
        raise SynthgenError(f"{folder}: holds no files")
    for name in files:
        if "\\" in name or any(part in ("", ".", "..") for part in name.split("/")):
            raise SynthgenError(f"{folder}: the name {name!r} of a file in it is none on a disk")
    lines = [str(folder)]
    for name, about in files.items():
        version = next((str(about[key]) for key in VERSIONS if key in about), "")
        lines.append(f"{name}|{about['size']}|{version}")
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:24]

    def fill(staging: Path) -> None:
        for above in {PurePosixPath(name).parent for name in files}:
            (staging / above).mkdir(parents=True, exist_ok=True)
        with (
            ThreadPoolExecutor(AT_ONCE) as pool,
            Progress(len(files), "fetching", "file") as progress,
        ):
            for _ in pool.map(lambda name: fetch(folder / name, staging / name), files):
                progress.add()

    return kept(cache_root(cache_dir) / "fetched" / digest / folder.name, fill)


def kept(final: Path, fill: Callable[[Path], None]) -> Path:
    """``final``; made by ``fill`` in a folder beside it that is then renamed, if it is not there.

    Raises:
        SynthgenError: the cache cannot be written, or as ``fill``.
    """
    if final.is_dir():
        return final
    staging = final.with_name(f".{final.name}-{os.getpid()}")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        fill(staging)
        staging.rename(final)
    except OSError as error:
        if not final.is_dir():  # else another process was faster
            reason = error.strerror or str(error)
            raise SynthgenError(f"{final.parent}: cannot be written ({reason})") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return final
