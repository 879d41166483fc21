"""A file of this machine that is there whole under its name, or not at all.

It is written beside and renamed. A kill leaves at most the hidden file beside, which the next
writing replaces.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def written_whole(final: Path, *, lasting: bool = False, shared: bool = False) -> Iterator[Path]:
    """Gives the path to write to, which is renamed to ``final`` when the block ends well.

    Args:
        final: the file; its folder is made if it is not there.
        lasting: the file survives a power cut from here on, bytes and name.
        shared: several processes may write it at once, each the same: each has a path of its own.

    Raises:
        OSError: it cannot be written; ``final`` is as it was.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    own = f".{os.getpid()}" if shared else ""
    beside = final.with_name(f".{final.name}{own}.part")
    try:
        yield beside
        put_file(beside, final, lasting=lasting)
    except Exception:
        beside.unlink(missing_ok=True)
        raise


def write_whole(
    final: Path, content: str | bytes, *, lasting: bool = False, shared: bool = False
) -> None:
    """Write text (UTF-8) or bytes as :func:`written_whole` does.

    Raises:
        OSError: it cannot be written; ``final`` is as it was.
    """
    encoded = content.encode() if isinstance(content, str) else content
    with written_whole(final, lasting=lasting, shared=shared) as beside:
        beside.write_bytes(encoded)


def write_json_whole(final: Path, record: Any, *, indent: int | None = 2) -> None:
    """Write ``record`` as JSON and a line break, as :func:`written_whole` does.

    Raises:
        OSError: it cannot be written; ``final`` is as it was.
    """
    write_whole(final, json.dumps(record, indent=indent) + "\n")


def put_file(written: Path, final: Path, *, lasting: bool) -> None:
    """Rename a finished file to ``final``, on the same file system.

    Raises:
        OSError: the disk is full or cannot be written; ``final`` is as it was.
    """
    if lasting:
        flush(written)
    os.replace(written, final)
    if lasting:
        flush(final.parent)


def is_part(path: Path) -> bool:
    """Whether it is what a kill leaves of a file that was to be written whole."""
    return path.name.startswith(".") and path.name.endswith(".part")


def flush(path: Path) -> None:
    """A file's bytes, or a folder's names, survive a power cut from here on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
