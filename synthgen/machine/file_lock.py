"""A lock of the kernel on a file or a folder of this machine: freed when its owner dies, however it
dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileLock:
    """A file or a folder that one process at a time may hold; see :func:`file_lock`."""

    path: Path
    descriptor: int

    def take(self, owner: str = "") -> bool:
        """Whether it is this process's now; ``owner`` is then written into the file."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if owner:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, owner.encode(), 0)
        return True

    def owner(self) -> str:
        """What its owner wrote into the file, or ``"another process"``."""
        return self.path.read_text(encoding="utf-8").strip() or "another process"


@contextmanager
def file_lock(path: Path) -> Iterator[FileLock]:
    """Gives the lock of a file (made if it is not there) or of a folder. Taken in the block, it is
    held until the block ends.

    Raises:
        OSError: it cannot be opened or made.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags, 0o666)
    try:
        yield FileLock(path, descriptor)
    finally:
        os.close(descriptor)
