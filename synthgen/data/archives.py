"""Zip and plain tar files, read where they are. Nothing is unpacked to disk.

This is the one file that opens archives. A member counts only if it is a regular file whose name
stays inside; a link, a device or a name that leads elsewhere ends the reading, and no member is
read further than an image may be long, whatever its header says.
"""

from __future__ import annotations

import os
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from synthgen.data.decode import LARGEST_FILE, BadImage
from synthgen.data.file_kinds import ending, file_kind, is_system_folder
from synthgen.data.listing import SYSTEMS, Folder, Listing, Parts
from synthgen.spec.errors import SynthgenError, printable

READ = {".zip", ".tar"}
"""Endings of archives that are read."""

MOST_MEMBERS = 20_000_000
LONGEST_NAME = 4096


class ArchiveFiles:
    """The members of one archive."""

    def __init__(self, path: Path) -> None:
        self._path = path
        stat = path.stat()
        self._stamp = f"{stat.st_size}|{stat.st_mtime_ns}"
        self.members: dict[Parts, zipfile.ZipInfo | tuple[int, int]] = {}
        """A zip's own record, or where in a tar file the bytes begin and how many there are."""

    def read(self, parts: Parts) -> bytes | BadImage:
        member = self.members.get(parts)
        if member is None:
            return BadImage("is missing from the archive")
        try:
            if isinstance(member, zipfile.ZipInfo):
                return self._from_zip(member)
            begin, size = member
            with self._path.open("rb") as file:
                return os.pread(file.fileno(), min(size, LARGEST_FILE + 1), begin)
        except NotImplementedError:  # a RuntimeError, so it comes first
            return BadImage("is packed in a way that is not read; unpack the archive")
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            return BadImage(f"is damaged in the archive ({' '.join(str(error).split())[:100]})")

    def _from_zip(self, member: zipfile.ZipInfo) -> bytes | BadImage:
        if member.flag_bits & 1:
            return BadImage("is locked with a password; unpack the archive")
        with zipfile.ZipFile(self._path) as archive, archive.open(member) as file:
            return file.read(LARGEST_FILE + 1)

    def where(self, parts: Parts) -> str:
        return printable("/".join((str(self._path), *parts)))

    def stamp(self, parts: Parts) -> str:
        return self._stamp


def list_archive(path: Path) -> Listing:
    """The tree of an archive's members.

    Raises:
        SynthgenError: it is damaged, of a kind that is not read, or has a member that is a link or
            whose name leads elsewhere.
    """
    if ending(path.name) not in READ:
        raise SynthgenError(
            f"{path}: is an archive of a kind that is not read; unpack it (.zip and uncompressed "
            ".tar are read as they are)"
        )
    files = ArchiveFiles(path)
    tree, passed = Folder(), []
    try:
        found = _zip_members(path) if ending(path.name) == ".zip" else _tar_members(path)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, ValueError, EOFError) as error:
        said = " ".join(str(error).split())[:150]
        raise SynthgenError(f"{path}: cannot be read as an archive: {said}") from None
    for name, member in found.items():
        parts = PurePosixPath(name).parts
        if any(is_system_folder(part) for part in parts[:-1]) or file_kind(parts[-1]) == "system":
            if not any(part.startswith(".") for part in parts):
                passed.append(("files", SYSTEMS, files.where(parts)))
            continue
        files.members[parts] = member
        tree.add(parts)
    tree.sort()
    return Listing(tree, files, tuple(passed))


def _tar_members(path: Path) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            if member.isdir():
                continue
            if not member.isreg():
                raise SynthgenError(f"{path}: member '{member.name}' is a link or a device, which "
                                    "is not read; unpack the archive yourself")  # fmt: skip
            found[_inside(member.name, path, len(found))] = member.offset_data, member.size
            archive.members = []  # type: ignore[attr-defined]  # else it keeps a record of each
    return found


def _zip_members(path: Path) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            if (member.external_attr >> 28) & 0xF not in (0, 8):  # 8: a regular file
                raise SynthgenError(f"{path}: member '{member.filename}' is a link or a device, "
                                    "which is not read; unpack the archive yourself")  # fmt: skip
            found[_inside(member.filename, path, len(found))] = member
    return found


def _inside(name: str, path: Path, count: int) -> str:
    """The name without ``./`` before it.

    Raises:
        SynthgenError: it leads out of the archive, or there are too many members.
    """
    plain = name.removeprefix("./")
    parts = plain.split("/")
    if count >= MOST_MEMBERS or len(name) > LONGEST_NAME:
        raise SynthgenError(f"{path}: has too many members, or names that are too long")
    if "\\" in plain or "\0" in plain or any(part in ("", ".", "..") for part in parts):
        raise SynthgenError(
            f"{path}: the name {name!r} of a member leads elsewhere; nothing is read"
        )
    return plain
