"""Files to a store and back: whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import Place
from synthgen.storage.store_path import StoreError, StorePath, protocols
from synthgen.storage.whole import written_whole

OBJECT_STORES = {
    "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "r2", "tos", "hf",
}  # fmt: skip
"""Stores where one PUT, or the end of a multipart upload, makes a file appear whole. On all others
a file may grow under its name: there it is written beside and renamed."""

PART = ".part"
"""Ending of what is written beside."""


def put_whole(source: Path, target: StorePath) -> None:
    """Copy a local file to a store, where it appears under its name whole or not at all.

    Raises:
        StoreError: the store fails, or keeps fewer bytes than it was sent, however often it is
            tried.
    """
    size = source.stat().st_size

    def put() -> None:
        store = target.store
        written = target.path if protocols(store) & OBJECT_STORES else target.path + PART
        if written != target.path:
            store.makedirs(target.path.rpartition("/")[0], exist_ok=True)
        store.put_file(str(source), written)
        arrived = store.info(written)["size"]
        if arrived != size:
            raise OSError(f"{arrived} bytes arrived of {size}")
        if written != target.path:
            store.mv(written, target.path)

    try:
        target.asked(put)
    except FileNotFoundError as error:
        if not source.exists():
            raise
        raise StoreError(f"{target}: there is no such bucket ({error.strerror or error})") from None


def copy_whole(source: Path, target: Place) -> None:
    """Copy a local file to another place, where it appears under its name whole or not at all.

    Raises:
        OSError: the disk is full or cannot be written.
        StoreError: as :func:`put_whole`.
    """
    if isinstance(target, StorePath):
        put_whole(source, target)
        return
    with written_whole(target) as beside:
        shutil.copyfile(source, beside)
        if beside.stat().st_size != source.stat().st_size:
            raise OSError(f"{target}: not all bytes of {source} arrived")


def fetch(source: StorePath, target: Path) -> None:
    """Copy a file of a store to this machine.

    Raises:
        FileNotFoundError: it is not there.
        StoreError: the store fails, or gives fewer bytes than it says it has.
    """

    def get() -> None:
        source.store.get_file(source.path, str(target))
        size = source.store.info(source.path)["size"]
        if target.stat().st_size != size:
            raise OSError(f"{target.stat().st_size} bytes arrived of {size}")

    try:
        source.asked(get)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def scratch(purpose: str) -> Path:
    """A folder of this machine for temporary files, the same for the same purpose; not made yet.

    Raises:
        SynthgenError: somebody else has made the user's folder of temporary files.
    """
    own = Path(tempfile.gettempdir()) / f"synthgen-{os.getuid()}"
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    if own.stat().st_uid != os.getuid() or own.is_symlink():
        raise SynthgenError(f"{own}: is not this user's; remove it, or set TMPDIR")
    return own / hashlib.sha256(purpose.encode()).hexdigest()[:16]


def copy_here(source: Place, target: Path) -> None:
    """Copy a file from wherever it is to this machine.

    Raises:
        OSError: the disk is full, or cannot be read or written.
        StoreError: as :func:`fetch`.
    """
    if isinstance(source, StorePath):
        fetch(source, target)
    else:
        shutil.copyfile(source, target)


@contextmanager
def local_copy(source: Place) -> Iterator[Path]:
    """The file on this machine: itself, or a copy that goes when it has been read."""
    if isinstance(source, Path):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="synthgen-") as folder:
        copy = Path(folder) / source.name
        fetch(source, copy)
        yield copy


def files_below(folder: Place) -> list[str]:
    """The files in a folder and all below it, as paths from it, sorted; no symbolic links."""
    if isinstance(folder, Path):
        found = [
            Path(above, name)
            for above, _, names in os.walk(folder)
            for name in names
            if not Path(above, name).is_symlink()
        ]
        return sorted(path.relative_to(folder).as_posix() for path in found)
    names = folder.asked(lambda: folder.store.find(folder.path))
    inside = [str(name).removeprefix(folder.path).lstrip("/") for name in names]
    return sorted(name for name in inside if name)


def remove_folder(folder: Place) -> None:
    """Remove a folder with all that is in it, if it is there; a symbolic link is left alone."""
    if isinstance(folder, Path):
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
        return
    for name in files_below(folder):
        (folder / name).unlink(missing_ok=True)
