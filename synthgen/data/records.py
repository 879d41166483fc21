"""Rows of several columns: images in the cache, and the further fields that a task reads.

Whatever images are read from (``data/sources.py``), and a folder of images with ``metadata.csv`` or
``metadata.jsonl`` that has no label (``file_name``, any columns, ``*_file_name`` for further
images). Rows without a label are all of one class.
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

from synthgen.data.cache import ImageData, load_images
from synthgen.data.decode import BadImage, open_image, read_head
from synthgen.data.file_kinds import file_kind
from synthgen.data.sources import Source, open_source
from synthgen.data.understood import FLAT_CLASS, Column, Understood
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Field, Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask, Views
from synthgen.spec.settings.data import DataSettings
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
    said: tuple[str, ...] = ()
    """How the data was read, for a terminal."""

    def lines(self) -> list[str]:
        """How the data was read, for a terminal: structure, what was left out, scaling."""
        return list(self.said)

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
    """Images of one folder in the order of a metadata file that names no label."""

    def __init__(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        self.name = folder.resolve().name
        self._folder, self._rows = folder, rows
        self.classes: tuple[str, ...] = (FLAT_CLASS,)
        self.labels = np.zeros(len(rows), dtype=np.int64)
        columns = tuple(Column(name, "other") for name in rows[0])
        text = f"{len(rows):,} rows of a metadata file without a label, all of one class"
        self.understood = Understood("flat", text, columns=columns)

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """The file's bytes, or why there are none, and where it came from, for each row."""
        for row in rows:
            try:
                yield read_named(self._folder, self._rows[row]["file_name"]), self.where(row)
            except BadImage as error:
                yield error, self.where(row)

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """What another column says of each row; ``None`` where it says nothing."""
        return [self._rows[row].get(column) for row in rows]

    def where(self, row: int) -> str:
        """Where a row's image came from."""
        return str(self._folder / str(self._rows[row]["file_name"]))

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""
        lines = [str(self._folder.resolve()), json.dumps(self._rows, default=str)]
        for path in sorted(self._folder.iterdir()):
            stat = path.stat()
            lines.append(f"{path.name}|{stat.st_size}|{stat.st_mtime_ns}")
        return "\n".join(lines)


def read_named(folder: Path, name: Any) -> bytes:
    """A file that a row names, in or below the folder.

    Raises:
        BadImage: it is not there, or elsewhere.
    """
    path = folder / str(name)
    if Path(str(name)).is_absolute() or ".." in path.parts or not path.is_file():
        raise BadImage(f"names the file {name!s:.80}, which is missing")
    return read_head(path)


def _without_label(folder: Path, label: str) -> list[dict[str, Any]] | None:
    """The rows of the folder's metadata file, if it has one and that has no label."""
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
    return None if label in rows[0] else rows


def _is_flat(folder: Path) -> bool:
    """Whether all there is in a folder lies loose in it, images among it, and nothing that could
    say their classes."""
    inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
    kinds = {file_kind(path.name) for path in inside if path.is_file()}
    told = {"table", "labels"} & kinds
    return "picture" in kinds and not told and all(path.is_file() for path in inside)


def open_rows(settings: DataSettings) -> Source:
    """The source of ``settings``, whose rows may have no label: they are of the class
    :data:`FLAT_CLASS` then.

    Raises:
        SynthgenError: as :func:`open_source`.
    """
    folder = place(settings.data)
    if isinstance(folder, Path) and folder.expanduser().is_dir():
        folder = folder.expanduser()
        rows = _without_label(folder, settings.label_column or "label")
        if rows is not None:
            return Listed(folder, rows)
        if settings.structure == "auto" and settings.classes is None and _is_flat(folder):
            settings = without_labels(settings)
    return open_source(settings, settings.split)


def without_labels(settings: DataSettings) -> DataSettings:
    """The same, with all rows of one class."""
    return settings.model_copy(update={"structure": "flat", "classes": None})


def load_strata(settings: DataSettings) -> ImageData:
    """Images of the classes that are wanted; where that is the one class :data:`FLAT_CLASS`, of
    all rows, whatever their labels.

    Raises:
        SynthgenError: as :func:`load_images`.
    """
    if settings.classes != (FLAT_CLASS,):
        return load_images(settings)
    plain = without_labels(settings)
    return load_images(plain, source=open_rows(plain))


def load_records(
    settings: DataSettings,
    fields: Mapping[str, Field],
    columns: Mapping[str, str] | None = None,
    *,
    labelled: bool | None = None,
) -> Records:
    """Read the fields: the first image from the image cache, the others beside it.

    Args:
        settings: as for images; the first image field is read as they say.
        fields: what is wanted, by name; labels are the strata and none of them.
        columns: the source's column of a field, where it has another name.
        labelled: whether rows must have a class, or must not; ``None`` takes what there is.

    Raises:
        SynthgenError: a column is missing, or a value in it cannot be read.
    """
    main = next((name for name, field in fields.items() if isinstance(field, Image)), None)
    settings = without_labels(settings) if labelled is False else settings
    source = open_rows(settings)
    data = load_images(settings, source=source)
    found: dict[str, np.ndarray] = {} if main is None else {main: data.images}
    digest = hashlib.sha256(data.fingerprint.encode())
    further = {n: f for n, f in fields.items() if n != main and not isinstance(f, Label)}
    for name, field in further.items():
        found[name] = _column(source, (columns or {}).get(name, name), field, data.rows, settings)
        digest.update(name.encode() + found[name].tobytes())
    fingerprint = digest.hexdigest() if further else data.fingerprint
    told = (*data.lines(), *(f"column '{name}': {field.kind}" for name, field in further.items()))
    return Records(found, data.labels, data.classes, data.name, fingerprint, data.skipped, told)


def _column(
    source: Source, column: str, field: Field, rows: np.ndarray, settings: DataSettings
) -> np.ndarray:
    """Stored rows of one further field."""
    known = [each.name for each in source.understood.columns]
    files = f"{column}_file_name"
    if column not in known and files not in known:
        hint = did_you_mean(column, known)
        there = f" (there are {name_list(known)})" if known else ""
        raise SynthgenError(
            f"{source.name}: no column '{column}'{there}{hint}; name it with --field"
        )
    places = [int(row) for row in rows]
    values = source.values(column if column in known else files, places)
    dtype, shape = field.stored()
    stored = np.empty((len(rows), *shape), dtype=dtype)
    for number, value in enumerate(values):
        try:
            if column not in known:
                value = read_named(Path(settings.data).expanduser(), value)
            stored[number] = field.read(_value(value, field, settings))
        except (ValueError, TypeError, BadImage) as error:
            reason = " ".join(str(error).split())[:120]
            raise SynthgenError(
                f"{source.where(places[number])}: column '{column}': {reason}"
            ) from None
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
