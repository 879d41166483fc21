"""A path on any fsspec store, which speaks the part of pathlib's language that synthgen uses.

Whoever reads a dataset or writes one does not ask where it lies. What differs is in
``storage/transfer.py``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from synthgen.spec.errors import SynthgenError
from synthgen.storage.retry import NO_CREDENTIALS, again

T = TypeVar("T")


class StoreError(SynthgenError):
    """A store failed, refused, or cannot be reached: nothing is known of what it holds."""


@dataclass(frozen=True)
class Stat:
    st_size: int


@dataclass(frozen=True)
class StorePath:
    """A file or a folder on a store; folders are only the beginnings of their files' names.

    Every method tries again when the store fails, and raises :class:`StoreError` when it stays so;
    what is not there raises ``FileNotFoundError``, as with a path. Its text never has credentials.
    """

    store: Any
    """The ``fsspec.AbstractFileSystem``."""
    path: str
    """Without the protocol and without a slash at its end."""
    shown: str
    """The URL, without credentials."""

    def __str__(self) -> str:
        return self.shown

    def __truediv__(self, name: str) -> StorePath:
        return StorePath(self.store, f"{self.path}/{name}", f"{self.shown}/{name}")

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix

    @property
    def parent(self) -> StorePath:
        return self.with_name("")

    def with_name(self, name: str) -> StorePath:
        """The path with another last part; with an empty one, the folder."""
        path, shown = self.path.rpartition("/")[0], self.shown.rpartition("/")[0]
        folder = StorePath(self.store, path, shown)
        return folder / name if name else folder

    def resolve(self) -> StorePath:
        return self

    def as_uri(self) -> str:
        return self.shown

    def is_symlink(self) -> bool:
        return False

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Does nothing: the folders of a store come with their files."""

    def exists(self) -> bool:
        return self._info() is not None

    def is_file(self) -> bool:
        found = self._info()
        return found is not None and found["type"] == "file"

    def is_dir(self) -> bool:
        found = self._info()
        return found is not None and found["type"] == "directory"

    def stat(self) -> Stat:
        """Its size.

        Raises:
            FileNotFoundError: it is not there.
        """
        found = self._info()
        if found is None:
            raise FileNotFoundError(2, "No such file or directory", str(self))
        return Stat(int(found["size"]))

    def iterdir(self) -> Iterator[StorePath]:
        """What lies directly in this folder, in the order of names."""
        found = self.asked(lambda: self.store.ls(self.path, detail=False))
        names = {str(path).rstrip("/").rpartition("/")[2] for path in found}
        # Some stores keep an empty object of the folder's own name.
        return iter([self / name for name in sorted(names) if name and name != self.name])

    def read_bytes(self) -> bytes:
        """The file, as long as the store says it is: an answer that breaks off is asked again."""

        def whole() -> bytes:
            found, size = bytes(self.store.cat_file(self.path)), self.store.size(self.path)
            if len(found) != size:
                raise OSError(f"{len(found)} bytes came of {size}")
            return found

        return self.asked(whole)

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """The file for reading; each read is one request for a range of bytes."""
        if mode != "rb":
            raise ValueError("a file on a store is read with 'rb', and written whole")
        return io.BufferedReader(_Ranges(self), 1 << 20)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        try:
            self.asked(lambda: self.store.rm_file(self.path))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def asked(self, call: Callable[[], T]) -> T:
        """What the store answers to ``call``, tried again where it fails.

        Raises:
            OSError: what is not there, or is there already.
            StoreError: the store stays broken, or refuses.
        """

        def fresh() -> T:
            self.store.invalidate_cache()  # others write there too
            return call()

        try:
            return again(fresh)
        except (FileNotFoundError, FileExistsError, SynthgenError):
            raise
        except Exception as error:  # whatever a store has to say
            raise StoreError(f"{self}: {_said(error)}") from None

    def _info(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.asked(lambda: self.store.info(self.path))
            return found
        except FileNotFoundError:
            return None


def protocols(store: Any) -> set[str]:
    """The names by which a file system's URLs begin."""
    return {store.protocol} if isinstance(store.protocol, str) else set(store.protocol)


def _said(error: Exception) -> str:
    """One line of a store's error."""
    if isinstance(error, PermissionError) or type(error).__name__ in NO_CREDENTIALS:
        return f"no permission ({one_line(error)}); check the credentials"
    return f"the store fails ({one_line(error)}); the same again goes on"


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


class _Ranges(io.RawIOBase):
    """A file on a store as a seekable stream."""

    def __init__(self, path: StorePath) -> None:
        super().__init__()
        self._path = path
        self._size = path.stat().st_size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        begin, end = self._at, min(self._size, self._at + len(buffer))
        if begin >= end:
            return 0
        store, path = self._path.store, self._path.path

        def fetch() -> bytes:
            found = bytes(store.cat_file(path, start=begin, end=end))
            if len(found) != end - begin:
                raise OSError(f"{len(found)} bytes arrived of {end - begin}")
            return found

        found = self._path.asked(fetch)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
