"""Labelled encoded images: of class folders, or of tables (``tables.py``).

Folders may lie on a store.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from synthgen.data.decode import read_head
from synthgen.data.tables import dataset_folder, from_hub
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.settings.data import DataSettings
from synthgen.storage.cache import fetched
from synthgen.storage.place import place
from synthgen.storage.store_path import StorePath

NOT_IMAGES = {".txt", ".md", ".csv", ".json", ".jsonl", ".yaml", ".yml", ".xml", ".html", ".ini"}
"""Files beside images that are passed over by their ending; any other file must be an image."""

SPLIT_FOLDERS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
"""A folder whose sub-folders all have such names is divided into splits, not into classes."""


class Source(Protocol):
    """Images in a fixed order. ``labels[i]`` is an index into ``classes``."""

    name: str
    classes: tuple[str, ...]
    labels: np.ndarray

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes, str]]:
        """The file's bytes and where it came from, for each row."""

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""


def open_source(settings: DataSettings, split: str) -> Source:
    """The source that ``settings.data`` names, with classes in its own order.

    Raises:
        SynthgenError: it is not there, or not labelled as the settings say.
    """
    given = place(settings.data)
    if isinstance(given, StorePath):
        given = fetched(given, settings.cache_dir)
    path = given.expanduser()
    if (settings.domain is None) != (settings.domain_column is None):
        raise SynthgenError("give both a domain and a domain_column, or neither")
    if path.is_dir():
        if _holds_tables(path):
            return dataset_folder(path, settings, split)
        if settings.domain_column is not None:
            raise SynthgenError(
                f"{path}: a folder of images has no column '{settings.domain_column}'; give each "
                "domain a folder of its own"
            )
        return _ClassFolders(_split_folder(path, split), path.resolve().name)
    if path.exists():
        raise SynthgenError(f"{path}: is a file; name the folder that holds the images")
    if _looks_like_path(settings.data):
        raise SynthgenError(f"{path}: no such folder")
    return from_hub(settings, split)


def _looks_like_path(text: str) -> bool:
    return text.startswith((".", "/", "~")) or text.count("/") > 1 or os.sep in text[:1]


def _holds_tables(path: Path) -> bool:
    if (path / "dataset_info.json").exists() or (path / "dataset_dict.json").exists():
        return True
    return any(p.suffix == ".parquet" for p in path.rglob("*.parquet") if p.is_file())


def _split_folder(path: Path, split: str) -> Path:
    """``path`` itself, or its sub-folder for the split where it is divided into splits.

    Raises:
        SynthgenError: it is divided, but has no such split.
    """
    names = sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not names or not set(names) <= SPLIT_FOLDERS:
        return path
    if split not in names:
        raise SynthgenError(f"{path}: no split '{split}' (there are {name_list(names)})")
    return path / split


class _ClassFolders:
    """``folder/<class>/<image>``; classes and files in the order of their names."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        found = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        if not found:
            loose = [p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")]
            what = f"{len(loose)} files but no class folders" if loose else "nothing"
            raise SynthgenError(
                f"{folder}: holds {what}; put the images of each class into a sub-folder "
                "named for the class"
            )
        self.classes = tuple(p.name for p in found)
        self._files: list[Path] = []
        labels: list[int] = []
        for label, sub in enumerate(found):
            files = sorted(p for p in sub.rglob("*") if p.is_file() and _may_be_image(p, sub))
            if not files:
                raise SynthgenError(f"{sub}: class folder without images; fill it or remove it")
            self._files += files
            labels += [label] * len(files)
        self._folder = folder
        self.labels = np.asarray(labels, dtype=np.int64)

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes, str]]:
        for row in rows:
            path = self._files[row]
            try:
                yield read_head(path), str(path)
            except OSError as error:
                raise SynthgenError(f"{path}: cannot be read: {error.strerror}") from None

    def quick_key(self) -> str | None:
        lines = []
        for path in self._files:
            stat = path.stat()
            lines.append(f"{path.relative_to(self._folder)}|{stat.st_size}|{stat.st_mtime_ns}")
        return "\n".join([str(self._folder.resolve()), *lines])


def _may_be_image(path: Path, above: Path) -> bool:
    parts = path.relative_to(above).parts
    return path.suffix.lower() not in NOT_IMAGES and not any(p.startswith(".") for p in parts)
