"""A lock of the kernel on a file or a folder of this machine: freed when its owner dies, however it
dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType


class FileLock:
    """A file (made if it is not there) or a folder that one process at a time may hold.

    It is held from :meth:`take` to the end of the block.
    """

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            OSError: it cannot be opened or made.
        """
        self.path = path
        folder = path.is_dir()
        flags = os.O_RDONLY | os.O_DIRECTORY if folder else os.O_RDWR | os.O_CREAT
        self._descriptor = os.open(path, flags, 0o666)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def take(self, owner: str = "") -> bool:
        """Whether it is this process's now; ``owner`` is then written into the file."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if owner:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, owner.encode(), 0)
        return True

    def owner(self) -> str:
        """What its owner wrote into the file, or ``"another process"``."""
        return self.path.read_text(encoding="utf-8").strip() or "another process"
