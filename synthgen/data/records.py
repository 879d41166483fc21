"""Rows of several columns: images in the cache, and the further fields that a task reads.

Forms that are read: class folders; a flat folder of images; a folder of images with
``metadata.csv`` or ``metadata.jsonl`` (``file_name``, any columns, ``*_file_name`` for further
images); a table or hub id. Rows without a label are all of one class.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData, choose_rows, load_images
from synthgen.data.decode import BadImage, open_image, read_head
from synthgen.data.sources import NOT_IMAGES, Source, open_source
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Field, Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask, Views
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.task import ALL
from synthgen.storage.place import place

METADATA = ("metadata.csv", "metadata.jsonl")
PICTURED = (Image, Mask, Views)
"""Fields that are read from image files."""


@dataclass(frozen=True)
class Records:
    """Rows of several columns."""

    columns: Mapping[str, np.ndarray]
    """Stored rows by field; the images are memory-mapped."""
    strata: np.ndarray
    """``int64 [N]``: a row's class."""
    classes: tuple[str, ...]
    name: str
    """A short name of the source: a folder's own name or a hub id, never a path."""
    fingerprint: str
    """SHA-256 (hex) over all that was read."""
    skipped: tuple[str, ...] = ()

    @property
    def images(self) -> np.ndarray:
        """``uint8 [N, H, W, C]`` of the first column."""
        return next(iter(self.columns.values()))

    @property
    def labels(self) -> np.ndarray:
        """``int64 [N]``: a row's class, as :attr:`strata`."""
        return self.strata

    @property
    def image(self) -> ImageSpec:
        """Size and channels of the first column."""
        _, height, width, channels = self.images.shape
        return ImageSpec(height, width, channels)


class Listed:
    """Images of one folder in the order of their names, or of its metadata file."""

    def __init__(self, folder: Path, label: str | None) -> None:
        self.name = folder.resolve().name
        self._folder = folder
        self.rows = _metadata(folder)
        if self.rows is None:
            files = sorted(p for p in folder.iterdir() if p.is_file() and _image_like(p))
            self.rows = [{"file_name": path.name} for path in files]
        if not self.rows:
            raise SynthgenError(f"{folder}: holds no images")
        named = [row.get(label) for row in self.rows] if label else []
        self.classes: tuple[str, ...] = (ALL,)
        self.labels = np.zeros(len(self.rows), dtype=np.int64)
        if label:
            if any(value in (None, "") for value in named):
                raise SynthgenError(f"{folder}: column '{label}' is empty in a row")
            self.classes = tuple(sorted({str(value) for value in named}))
            self.labels = np.array([self.classes.index(str(value)) for value in named])

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes, str]]:
        """The file's bytes and where it came from, for each row."""
        for row in rows:
            assert self.rows is not None
            yield self.file(str(self.rows[row].get("file_name", ""))), str(self._folder)

    def file(self, name: str) -> bytes:
        """A file in the folder, by its name in the metadata."""
        path = self._folder / name
        if ".." in Path(name).parts or not path.is_file():
            raise SynthgenError(f"{path}: no such file, though the metadata names it")
        return read_head(path)

    def column(self, name: str) -> list[Any] | None:
        """The values of a column; ``None`` if there is none of this name."""
        assert self.rows is not None
        if f"{name}_file_name" in self.rows[0]:
            return [self.file(str(row[f"{name}_file_name"])) for row in self.rows]
        return [row.get(name) for row in self.rows] if name in self.rows[0] else None

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""
        lines = [str(self._folder.resolve()), json.dumps(self.rows, default=str)]
        for path in sorted(self._folder.iterdir()):
            stat = path.stat()
            lines.append(f"{path.name}|{stat.st_size}|{stat.st_mtime_ns}")
        return "\n".join(lines)


def _image_like(path: Path) -> bool:
    return path.suffix.lower() not in NOT_IMAGES and not path.name.startswith(".")


def _metadata(folder: Path) -> list[dict[str, Any]] | None:
    """The rows of the folder's metadata file; ``None`` if it has none."""
    path = next((folder / name for name in METADATA if (folder / name).is_file()), None)
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            rows: list[dict[str, Any]] = list(csv.DictReader(text.splitlines()))
        else:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        if not rows or not all(isinstance(row, dict) and "file_name" in row for row in rows):
            raise ValueError("every row needs a file_name")
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SynthgenError(f"{path}: cannot be read: {reason}") from None
    return rows


def load_records(
    settings: DataSettings,
    fields: Mapping[str, Field],
    columns: Mapping[str, str] | None = None,
    *,
    labelled: bool,
) -> Records:
    """Read the fields: the first image from the image cache, the others beside it.

    Args:
        settings: as for images; the first image field is read as they say.
        fields: what is wanted, by name; labels are the strata and none of them.
        columns: the source's column of a field, where it has another name.
        labelled: whether rows have a class; else all are of the class ``all``.

    Raises:
        SynthgenError: a column is missing, or a value in it cannot be read.
    """
    main = next((name for name, field in fields.items() if isinstance(field, Image)), None)
    source = open_rows(settings, labelled)
    data = load_images(settings, source=source)
    found: dict[str, np.ndarray] = {} if main is None else {main: data.images}
    digest = hashlib.sha256(data.fingerprint.encode())
    further = {n: f for n, f in fields.items() if n != main and not isinstance(f, Label)}
    if further:
        if data.skipped:
            raise SynthgenError(
                f"{data.name}: {data.skipped[0]}; mend the image: rows of several columns are "
                "read whole or not at all"
            )
        _, rows, _ = choose_rows(source, settings)
        for name, field in further.items():
            found[name] = _column(source, (columns or {}).get(name, name), field, rows, settings)
            digest.update(name.encode() + found[name].tobytes())
    fingerprint = digest.hexdigest() if further else data.fingerprint
    return Records(found, data.labels, data.classes, data.name, fingerprint, data.skipped)


def load_strata(settings: DataSettings) -> ImageData:
    """Images of the classes that are wanted; where that is the one class ``all``, of all rows,
    whatever their labels.

    Raises:
        SynthgenError: as :func:`load_images`.
    """
    if settings.classes != (ALL,):
        return load_images(settings)
    plain = settings.model_copy(update={"classes": None})
    return load_images(plain, source=open_rows(plain, labelled=False))


def open_rows(settings: DataSettings, labelled: bool) -> Source:
    """The source; a flat folder, or one with a metadata file, by its own reader."""
    folder = place(settings.data)
    if isinstance(folder, Path) and folder.expanduser().is_dir():
        folder = folder.expanduser()
        listed = any((folder / name).is_file() for name in METADATA)
        loose = any(p.is_file() and _image_like(p) for p in folder.iterdir())
        nested = any(p.is_dir() and not p.name.startswith(".") for p in folder.iterdir())
        if listed or (loose and not nested and not labelled):
            return Listed(folder, (settings.label_column or "label") if labelled else None)
    source = open_source(settings, settings.split)
    return source if labelled else OneClass(source)


class OneClass:
    """A source whose labels are not looked at."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name = source.name
        self.classes: tuple[str, ...] = (ALL,)
        self.labels = np.zeros(len(source.labels), dtype=np.int64)

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes, str]]:
        """The file's bytes and where it came from, for each row."""
        return self._source.encoded(rows)

    def column(self, name: str) -> list[Any] | None:
        """The values of a column; ``None`` if there is none of this name."""
        reader = getattr(self._source, "column", None)
        return None if reader is None else reader(name)

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""
        key = self._source.quick_key()
        return None if key is None else f"{ALL}\n{key}"


def _column(
    source: Source, column: str, field: Field, rows: np.ndarray, settings: DataSettings
) -> np.ndarray:
    """Stored rows of one further field."""
    reader = getattr(source, "column", None)
    values = None if reader is None else reader(column)
    if values is None:
        known = sorted((getattr(source, "rows", None) and source.rows[0]) or ())  # type: ignore[attr-defined]
        hint = did_you_mean(column, known)
        there = f" (there are {name_list(known)})" if known else ""
        raise SynthgenError(
            f"{source.name}: no column '{column}'{there}{hint}; name it with --field"
        )
    dtype, shape = field.stored()
    stored = np.empty((len(rows), *shape), dtype=dtype)
    for place_, row in enumerate(rows.tolist()):
        try:
            stored[place_] = field.read(_value(values[row], field, settings))
        except (ValueError, TypeError, BadImage) as error:
            reason = " ".join(str(error).split())[:120]
            raise SynthgenError(f"{source.name} row {row}: column '{column}': {reason}") from None
    return stored


def _value(value: Any, field: Field, settings: DataSettings) -> Any:
    """A cell as the field reads it: image files opened, JSON in text taken apart."""
    if isinstance(field, PICTURED):
        if isinstance(value, dict):
            value = value.get("bytes")
        if isinstance(value, bytes):
            return open_image(value, settings.max_pixels)
        return value
    if isinstance(value, str) and value[:1] in ("[", "{"):
        return json.loads(value)
    return value
