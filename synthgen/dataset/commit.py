"""Files that appear under their final name whole, or not at all.

They grow in a folder of this machine. On a disk a rename puts them into their place; on a store
they are sent whole (``storage/transfer.py``).
"""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import Place
from synthgen.storage.store_path import StorePath
from synthgen.storage.transfer import put_whole
from synthgen.storage.whole import put_file

ABANDONED_SECONDS = 86_400
"""Age at which a staged file of another host is taken to be nobody's."""


def staged_name(name: str) -> str:
    """A file name in staging that no other process has, and that says whose it is."""
    return f"{name}.{socket.gethostname()}-{os.getpid()}"


def sweep(staging: Path) -> None:
    """Remove what processes of this host that are dead left in staging; others' after a day."""
    if not staging.is_dir():
        return
    for path in staging.iterdir():
        host, _, process = path.name.rpartition("-")
        mine = host.endswith(f".{socket.gethostname()}") and process.isdigit()
        try:
            old = time.time() - path.stat().st_mtime > ABANDONED_SECONDS
            if old or (mine and not Path(f"/proc/{process}").exists()):
                path.unlink()
        except FileNotFoundError:
            continue  # its owner has just published it


def publish(staged: Path, final: Place) -> None:
    """Flush ``staged`` to the disk and rename it to ``final`` (same file system); or send it to
    ``final`` on a store, from where ``staged`` goes.

    Raises:
        StoreError: the store fails.
    """
    if isinstance(final, StorePath):
        put_whole(staged, final)
        staged.unlink()
        return
    final.parent.mkdir(parents=True, exist_ok=True)
    put_file(staged, final, lasting=True)


def write_text(text: str, final: Place, staging: Path) -> None:
    """Write ``text`` (UTF-8) to ``final`` through a file in ``staging``."""
    staging.mkdir(parents=True, exist_ok=True)
    staged = staging / staged_name(final.name)
    staged.write_text(text, encoding="utf-8")
    publish(staged, final)


def write_json(record: Any, final: Place, staging: Path) -> None:
    """Write ``record`` as indented JSON to ``final`` through ``staging``."""
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    write_text(text, final, staging)


def read_json(path: Place) -> Any:
    """The JSON in ``path``.

    Raises:
        SynthgenError: it cannot be read or is no JSON.
        StoreError: the store that it is on fails.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror or "missing" if isinstance(error, OSError) else "not JSON"
        raise SynthgenError(f"{path}: cannot be read ({reason})") from None


@contextmanager
def disk_errors(where: Place) -> Iterator[None]:
    """Turn a full disk, missing permission and the like into one line that names the folder."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what = "the disk is full; free some space and run the same command again to go on"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            what = "cannot be written (permission); choose another folder with --out"
        else:
            reason = error.strerror or str(error)
            what = f"cannot be written ({reason}); run the same command again to go on"
        raise SynthgenError(f"{where}: {what}") from None
