"""A folder that takes the place of another, which whoever reads it finds whole at any moment."""

from __future__ import annotations

import ctypes
import glob
import os
import shutil
import socket
from pathlib import Path

from synthgen.storage.whole import flush

HERE = -100
"""``AT_FDCWD``: paths are taken from the current folder."""
EXCHANGE = 2
"""``RENAME_EXCHANGE`` of ``renameat2(2)``: two names change places in one step."""


def staging_beside(final: Path) -> Path:
    """Where to fill what :func:`put_folder` shall call ``final``: nothing is there yet.

    What dead processes of this host have left of theirs is removed.
    """
    final = final.resolve()  # of a symbolic link the folder that it names
    mark = f".{final.name}.{socket.gethostname()}-"
    for left in final.parent.glob(f"{glob.escape(mark)}*"):
        process = left.name.removeprefix(mark)
        if process == str(os.getpid()) or not Path(f"/proc/{process}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return final.with_name(f"{mark}{os.getpid()}")


def put_folder(staging: Path, final: Path) -> None:
    """Flush ``staging`` to the disk and give it the name ``final``; a folder of that name goes.

    Killed at any point, there is the old or the new folder under the name. Only where the system
    cannot exchange names (other than Linux; some network file systems) there is neither between
    two renames, and after a kill right there the old one lies beside as ``.<name>-old``.

    Raises:
        OSError: the disk is full or cannot be written; the old folder is as it was.
    """
    final = final.resolve()
    for path in (*staging.rglob("*"), staging):
        flush(path)
    if not final.exists():
        staging.rename(final)
    elif _exchanged(staging, final):
        shutil.rmtree(staging)
    else:
        _by_two_renames(staging, final)
    flush(final.parent)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the two have each other's name now."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    return rename is not None and not rename(HERE, bytes(one), HERE, bytes(other), EXCHANGE)


def _by_two_renames(staging: Path, final: Path) -> None:
    old = final.with_name(f".{final.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    try:
        final.rename(old)
        staging.rename(final)
    except BaseException:  # Ctrl-C, too
        if not final.exists():
            old.rename(final)
        raise
    shutil.rmtree(old)
