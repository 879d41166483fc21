"""A folder's tree as it counts for data: pictures, tables, label files, and what is passed over."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from synthgen.data.decode import BadImage, read_head
from synthgen.data.file_kinds import FileKind, file_kind, is_system_folder
from synthgen.spec.errors import SynthgenError, printable

Parts = tuple[str, ...]
"""A file's path below the folder of the data, part by part."""


class Files(Protocol):
    """Where the bytes of a tree's files come from: a folder, or an archive."""

    def read(self, parts: Parts) -> bytes | BadImage:
        """The file's bytes, or why there are none."""

    def where(self, parts: Parts) -> str:
        """The file's place, as a person finds it."""

    def stamp(self, parts: Parts) -> str:
        """Text that changes when the file may have changed."""


@dataclass
class Folder:
    """A folder without what belongs to systems. Names are in order."""

    parts: Parts = ()
    folders: dict[str, Folder] = field(default_factory=dict)
    files: dict[FileKind, list[str]] = field(default_factory=dict)
    linked_or_made: bool = False
    """Whether a sub-folder was left out that would otherwise count."""

    @property
    def name(self) -> str:
        return self.parts[-1] if self.parts else ""

    def own(self, kind: FileKind) -> list[Parts]:
        """Files of a kind that lie directly in it."""
        return [(*self.parts, name) for name in self.files.get(kind, ())]

    def below(self, kind: FileKind) -> Iterator[Parts]:
        """All files of a kind in it and below it, folder by folder in the order of names."""
        if not self.folders:
            yield from self.own(kind)
            return
        named = [(name, None) for name in self.files.get(kind, ())]
        for name, folder in sorted([*named, *self.folders.items()], key=lambda pair: pair[0]):
            if folder is None:
                yield (*self.parts, name)
            else:
                yield from folder.below(kind)

    def count(self, kind: FileKind) -> int:
        """How many files of a kind lie in it and below it."""
        return len(self.files.get(kind, ())) + sum(f.count(kind) for f in self.folders.values())

    def has(self, kind: FileKind) -> bool:
        """Whether a file of a kind lies in it or below it."""
        return bool(self.files.get(kind)) or any(f.has(kind) for f in self.folders.values())

    def add(self, parts: Parts) -> None:
        """Put a file's name in, by its parts below this folder; ones of systems are passed over."""
        folder = self
        for name in parts[:-1]:
            if name not in folder.folders:
                folder.folders[name] = Folder((*folder.parts, name))
            folder = folder.folders[name]
        folder.files.setdefault(file_kind(parts[-1]), []).append(parts[-1])

    def sort(self) -> None:
        """Bring all names into order, once all are in."""
        self.folders = dict(sorted(self.folders.items()))
        for names in self.files.values():
            names.sort()
        for folder in self.folders.values():
            folder.sort()


@dataclass(frozen=True)
class Listing:
    """A tree, where its bytes come from, and what was passed over: ``(what, why, where)``."""

    root: Folder
    files: Files
    passed: tuple[tuple[str, str, str], ...]


class DiskFiles:
    """The files below a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.stamps: dict[Parts, str] = {}

    def read(self, parts: Parts) -> bytes | BadImage:
        path = self._root.joinpath(*parts)
        try:
            return read_head(path)
        except FileNotFoundError:
            linked = path.is_symlink()
            why = f"is a link to {os.readlink(path)}, which is missing" if linked else "is missing"
            return BadImage(why)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return BadImage("is a link that leads to itself")
            raise SynthgenError(f"{path}: cannot be read: {error.strerror}") from None

    def where(self, parts: Parts) -> str:
        return printable(str(self._root.joinpath(*parts)))

    def stamp(self, parts: Parts) -> str:
        return self.stamps.get(parts, "")


def list_folder(root: Path) -> Listing:
    """The tree of a folder; links to folders are followed, but never round in a circle.

    Raises:
        SynthgenError: a folder in it cannot be read.
    """
    files, passed = DiskFiles(root), []
    tree = Folder()

    def walk(path: str, real: str, folder: Folder, above: frozenset[str]) -> None:
        try:
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise SynthgenError(f"{path}: cannot be read: {error.strerror}") from None
        for entry in entries:
            parts = (*folder.parts, entry.name)
            if _is_folder(entry):
                why = _left_out(entry, above)
                if why is None:
                    folder.folders[entry.name] = Folder(parts)
                    its = os.path.join(real, entry.name)
                    its = os.path.realpath(its) if entry.is_symlink() else its
                    walk(entry.path, its, folder.folders[entry.name], above | {its})
                else:
                    folder.linked_or_made |= why is not SYSTEMS
                    if entry.name not in WELL_KNOWN:
                        passed.append(("folders", why, entry.path))
                continue
            kind = file_kind(entry.name)
            if kind == "system":
                if not entry.name.startswith("."):
                    passed.append(("files", SYSTEMS, entry.path))
                continue
            folder.files.setdefault(kind, []).append(entry.name)
            files.stamps[parts] = _stamp(entry)

    own = os.path.realpath(root)
    walk(str(root), own, tree, frozenset({own}))
    return Listing(tree, files, tuple(passed))


SYSTEMS = "they belong to a system, not to the data"
HIDDEN = "hidden"
WELL_KNOWN = {".git", ".cache", ".ipynb_checkpoints", ".thumbnails", ".synthgen", ".trash", ".idea",
              ".vscode", ".dvc", ".huggingface"}  # fmt: skip
"""Hidden folders that nobody expects to be read."""
CIRCLE = "a link back to a folder that it lies in"
MADE = "made by synthgen"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself; whoever reads it is told
        return False


def _left_out(entry: os.DirEntry[str], above: frozenset[str]) -> str | None:
    """Why a sub-folder is not read; ``None`` if it is."""
    if entry.name.startswith("."):
        return HIDDEN
    if is_system_folder(entry.name):
        return SYSTEMS
    if entry.is_symlink() and os.path.realpath(entry.path) in above:
        return CIRCLE
    return MADE if _is_made(entry.path) else None


def _is_made(path: str) -> bool:
    """Whether a folder is a training run, a generator or a dataset of ours."""
    try:
        names = set(os.listdir(path))
    except OSError:
        return False
    marks = ({".synthgen"}, {"settings.json", "metrics.jsonl"}, {"set.json", "0000"},
             {"config.json", "generator.safetensors"})  # fmt: skip
    return any(mark <= names for mark in marks)


def _stamp(entry: os.DirEntry[str]) -> str:
    try:
        stat = entry.stat()
    except OSError:  # a link to nothing; whoever reads it is told
        return "missing"
    return f"{stat.st_size}|{stat.st_mtime_ns}"
