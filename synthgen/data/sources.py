"""Labelled encoded images: of a tree of files, of an archive, or of tables.

Folders may lie on a store.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from synthgen.data.archives import READ, list_archive
from synthgen.data.decode import BadImage
from synthgen.data.file_kinds import FileKind, ending, file_kind
from synthgen.data.foreign import refuse_file, refuse_foreign, what_is
from synthgen.data.listing import Files, Listing, list_folder
from synthgen.data.partners import STRUCTURES, open_partnered
from synthgen.data.reading import Reading
from synthgen.data.solid_files import holds_solids, open_solids
from synthgen.data.structure import read_tree
from synthgen.data.table_files import TableFile, kind_of
from synthgen.data.table_folders import from_hub, saved_folder, table_file, table_folder
from synthgen.data.understood import Understood, grouped
from synthgen.data.webdataset import Archives, is_webdataset, read_archives
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.settings.data import DataSettings
from synthgen.storage.cache import fetched
from synthgen.storage.place import place
from synthgen.storage.store_path import StorePath


class Source(Protocol):
    """Images in a fixed order. ``labels[i]`` is an index into ``classes``."""

    name: str
    classes: tuple[str, ...]
    labels: np.ndarray
    understood: Understood

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """The file's bytes, or why there are none, and where it came from, for each row."""

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """What another column says of each row; the columns are ``understood.columns``."""

    def where(self, row: int) -> str:
        """Where a row's image came from."""

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""


class TreeSource:
    """Images that are files of a tree, on a disk or in an archive."""

    def __init__(self, reading: Reading, files: Files, name: str, root: str) -> None:
        self.name = name
        self.classes, self.labels = reading.classes, reading.labels
        self.understood = replace(reading.understood, left_out=grouped(reading.passed))
        self._images, self._records = reading.images, reading.records
        self._files, self._root = files, root

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        for row in rows:
            yield self._files.read(self._images[row]), self.where(row)

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """Cells of the label file; ``None`` where a row has none.

        Raises:
            SynthgenError: there is no such column.
        """
        if column not in {each.name for each in self.understood.columns}:
            raise SynthgenError(f"{self.name}: no column '{column}'")
        return [self._records[row].get(column) for row in rows]

    def where(self, row: int) -> str:
        return self._files.where(self._images[row])

    def beside(self, row: int, last: str) -> bytes | None:
        """The bytes of the file that has the stem of a row's image and another ending; ``None`` if
        there is none."""
        *folder, name = self._images[row]
        found = self._files.read((*folder, name.removesuffix(ending(name)) + last))
        return found if isinstance(found, bytes) else None

    def quick_key(self) -> str | None:
        digest = hashlib.sha256(json.dumps(self.classes).encode())
        digest.update(self.labels.tobytes())
        for parts in self._images:
            line = f"{'/'.join(parts)}|{self._files.stamp(parts)}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
        return f"{self._root}\n{digest.hexdigest()}"


def open_source(settings: DataSettings, split: str) -> Source:
    """The source that ``settings.data`` names, with classes in its own order.

    Raises:
        SynthgenError: it is not there, or not labelled as the settings say.
    """
    path = place_here(settings)
    if (settings.domain is None) != (settings.domain_column is None):
        raise SynthgenError("give both a domain and a domain_column, or neither")
    if path.is_dir():
        return _of_folder(path, settings, split)
    if settings.structure in STRUCTURES:
        raise SynthgenError(
            f"{settings.data}: '{settings.structure}' are read from a folder; name one with --data "
            "(unpack an archive first)"
        )
    if path.is_file() and ending(path.name) in READ:
        return _of_archives(path.parent, {path.name: list_archive(path)}, settings, split)
    if path.is_file() and file_kind(path.name) == "table":
        return table_file(path, settings)
    if path.is_file() and file_kind(path.name) == "labels":
        return _of_label_file(path, settings, split)
    if path.is_file():
        refuse_file(path)
    if path.is_file() and file_kind(path.name) == "archive":
        list_archive(path)  # says why it is not read
    if path.exists():
        raise SynthgenError(
            f"{path}: is a file; name the folder that holds the images, a .zip or .tar file of it, "
            "or a Parquet file"
        )
    if _looks_like_path(settings.data):
        raise SynthgenError(f"{path}: no such folder")
    return from_hub(settings, split)


def place_here(settings: DataSettings) -> Path:
    """Where the data lie on this machine; those of a store are fetched."""
    if not settings.data.strip():
        raise SynthgenError("data: is empty; name a folder of images")
    if settings.data.lower().startswith(("http://", "https://")):
        raise SynthgenError(
            f"{settings.data}: is a web address, and nothing is fetched from there; download it, "
            "and name the file or the unpacked folder"
        )
    given = place(settings.data)
    if isinstance(given, StorePath):
        given = fetched(given, settings.cache_dir)
    return given.expanduser()


def _looks_like_path(text: str) -> bool:
    """Whether a text that names nothing here is no hub id either."""
    plain = all(char.isalnum() or char in "-_./" for char in text)
    return (
        text.startswith((".", "/", "~")) or text.count("/") > 1 or os.sep in text[:1] or not plain
    )


def _of_folder(path: Path, settings: DataSettings, split: str) -> Source:
    if settings.structure in STRUCTURES:
        partnered = open_partnered(path, settings.model_copy(update={"split": split}))
        assert partnered is not None  # one that is named is there, or refused
        return partnered
    listing = list_folder(path)
    if settings.structure not in ("table", "coco") and holds_solids(listing, split):
        return open_solids(path, listing, settings, split)
    if (path / "dataset_info.json").exists() or (path / "dataset_dict.json").exists():
        return saved_folder(path, listing, settings, split)
    pictures = listing.root.count("picture")
    kinds = settings.structure
    if listing.root.has("table") and kinds in ("auto", "flat", "table"):
        rows = _rows_with_images(path, listing, settings)
        if kinds == "table" or not pictures:
            return table_folder(path, listing, settings, split)
        if rows >= pictures and kinds in ("auto", "flat"):  # pictures are contact sheets, say
            return table_folder(path, listing, settings, split)
        if rows and kinds == "auto":
            raise SynthgenError(
                f"{path}: holds {pictures:,} image files and tables with {rows:,} images; read the "
                "tables with --structure table, or the files with --structure classes"
            )
    if all(what_is(parts[-1]) for parts in listing.root.below("archive")):
        refuse_foreign(listing, str(path))
    if settings.domain_column is not None:
        raise SynthgenError(
            f"{path}: a folder of images has no column '{settings.domain_column}'; give each "
            "domain a folder of its own"
        )
    if not pictures and listing.root.has("archive"):
        found = {
            "/".join(parts): list_archive(path.joinpath(*parts))
            for parts in listing.root.below("archive")
        }
        return _of_archives(path, found, settings, split)
    return _tree(listing, path, settings, split)


def _of_label_file(path: Path, settings: DataSettings, split: str) -> Source:
    """The images of the folder that a label file lies in, by that file."""
    listing = list_folder(path.parent)
    root = listing.root
    if not root.has("picture"):
        refuse_foreign(listing, str(path.parent))
    for kind, names in root.files.items():
        if kind in ("labels", "table"):
            root.files[kind] = [name for name in names if name == path.name]
    labelled = settings.model_copy(update={"structure": "labels"})
    return _tree(listing, path.parent, labelled, split)


def _rows_with_images(path: Path, listing: Listing, settings: DataSettings) -> int:
    """How many rows of the tables have an image."""
    count = 0
    for parts in listing.root.below("table"):
        file = TableFile(path.joinpath(*parts))
        for column in file.schema:
            feature = file.features.get(column.name)
            asked = column.name == settings.image_column
            if asked or kind_of(feature, column.type, b"\x89PNG") == "image":
                count += file.rows
                break
    return count


def _of_archives(
    path: Path, listings: dict[str, Listing], settings: DataSettings, split: str
) -> Source:
    """The images of one archive, or of several that are WebDataset shards.

    Raises:
        SynthgenError: several that are none.
    """
    samples = [name for name, listing in listings.items() if is_webdataset(listing)]
    if samples and settings.structure in ("auto", "flat"):
        reading = read_archives({name: listings[name] for name in samples}, path, settings, split)
        passed = [("archives", "not of the form of WebDataset", str(path / name))
                  for name in listings if name not in samples]  # fmt: skip
        files = Archives(listings)
        return TreeSource(reading.noted(passed=passed), files, path.resolve().name, str(path))
    if len(listings) > 1:
        raise SynthgenError(
            f"{path}: holds several archives ({name_list(listings, 4)}) that are no WebDataset "
            "shards; unpack them into class folders, or give one of them with --data"
        )
    name, listing = next(iter(listings.items()))
    refuse_foreign(listing, str(path / name))
    if listing.root.has("table") and not listing.root.has("picture"):
        raise SynthgenError(
            f"{path / name}: holds tables, which are not read out of an archive; unpack it"
        )
    return _tree(listing, path / name, settings, split)


def _tree(listing: Listing, path: Path, settings: DataSettings, split: str) -> TreeSource:
    reading = read_tree(listing, settings, split)
    beside: tuple[tuple[FileKind, str], ...] = (("table", "tables"), ("archive", "archives"))
    passed = [
        (what, "beside the images", listing.files.where(parts))
        for kind, what in beside
        for parts in listing.root.below(kind)
        if listing.files.where(parts) != reading.label_file
    ]
    passed += [
        ("files", "data in a form that is not read", listing.files.where(parts))
        for parts in listing.root.below("beside") if what_is(parts[-1])
    ]  # fmt: skip
    resolved = path.resolve()
    name = resolved.name.removesuffix(ending(path.name)) if path.is_file() else resolved.name
    return TreeSource(reading.noted(passed=passed), listing.files, name, str(resolved))
