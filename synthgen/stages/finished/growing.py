"""A folder that appears whole: it grows hidden and is then put into its place.

What was stopped is gone on with. On a disk the folder is renamed; to a store its files are sent one
by one, under a mark that says that they are not all there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from synthgen.dataset.receipts import file_sha256
from synthgen.machine.file_lock import file_lock
from synthgen.spec.errors import SynthgenError
from synthgen.storage.checksum import has_content
from synthgen.storage.lock import locked, refuse_lost
from synthgen.storage.place import Place
from synthgen.storage.store_path import StorePath
from synthgen.storage.transfer import files_below, put_whole, scratch
from synthgen.storage.whole import write_whole

MARK = ".synthgen"
"""Lies in an export that is not finished, and says of what it is."""


LOCK = ".lock"


AT_ONCE = 16
"""Files that are sent at the same time: most are small, and wait for the network."""


@contextmanager
def grown_here(target: Path, stamp: str) -> Iterator[Path]:
    """The hidden folder beside ``target`` in which an export grows and which becomes it."""
    with _growing(target.with_name(f".{target.name}.partial"), target, stamp) as staging:
        yield staging
        (staging / MARK).unlink()
        staging.rename(target)


@contextmanager
def grown_and_sent(target: StorePath, stamp: str) -> Iterator[Path]:
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
                put(mark, stamp.encode())
            yield staging
        except Exception:
            shutil.rmtree(staging, ignore_errors=True)
            raise


@contextmanager
def _held(staging: Path, target: Place) -> Iterator[None]:
    """Two exports into one folder do not meet: the kernel holds the lock, and frees it."""
    with file_lock(staging) as lock:
        if not lock.take():
            raise SynthgenError(f"{target}: another process is exporting to it; wait for it")
        yield


def put(path: Path, content: bytes) -> None:
    """Write a file, which has its name only when it is whole; nothing if it is there already."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    write_whole(path, content)
