"""Rows of several columns: images in the cache, and the further fields that a task reads.

Whatever images are read from (``data/sources.py``), and a folder of images with ``metadata.csv`` or
``metadata.jsonl`` that has no label (``file_name``, any columns, ``*_file_name`` for further
images). Rows without a label are all of one class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from synthgen.data.cache import ImageData, load_images
from synthgen.data.carried import Carried, carried_of
from synthgen.data.cells import Cells
from synthgen.data.empty_views import told_empty
from synthgen.data.joints import with_joints
from synthgen.data.listed import (
    Listed,
    Shown,
    has_metadata,
    is_flat,
    rows_without_label,
)
from synthgen.data.offered import offered_columns, told_names
from synthgen.data.partners import open_partnered
from synthgen.data.sources import Source, open_source, place_here
from synthgen.data.stored_column import column_of, stored_column
from synthgen.data.table_labels import NoLabelColumn
from synthgen.data.understood import FLAT_CLASS
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Field, Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings

S = TypeVar("S", bound=DataSettings)


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
    """SHA-256 (hex) over all that was read of the fields."""
    image_fingerprint: str
    """SHA-256 (hex) over the first column and the classes alone: the fingerprint that these images
    have where nothing is read beside them."""
    skipped: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    """How the data was read, for a terminal."""
    carried: Carried = Carried()  # noqa: RUF009 - frozen
    """The columns that nothing was read from, where they were asked for."""
    warned: tuple[str, ...] = ()
    """What may be wrong with the columns; ``said`` has it, too."""

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


def open_rows(settings: DataSettings) -> Source:
    """The source of ``settings``, whose rows may have no label: they are of the class
    :data:`FLAT_CLASS` then.

    Raises:
        SynthgenError: as :func:`open_source`.
    """
    folder = place_here(settings)
    if folder.is_dir():
        partnered = open_partnered(folder, settings)
        if partnered is not None:
            return partnered
        rows = rows_without_label(folder, settings.label_column or "label")
        if rows is not None:
            return Listed(folder, rows)
        if settings.structure == "auto" and settings.classes is None and is_flat(folder):
            settings = without_labels(settings)
    try:
        return open_source(settings, settings.split)
    except NoLabelColumn:
        if settings.structure != "auto" or settings.classes is not None:
            raise
        return open_source(without_labels(settings), settings.split)


def unlabelled_table(settings: S) -> S:
    """Settings that read a table's rows as one class, unless it has a column ``label`` or they say
    what is its label: a column of classes is an attribute like any other."""
    asked = settings.label_column is not None or settings.classes is not None
    if asked or settings.structure != "auto":
        return settings
    plain = settings.model_copy(update={"structure": "flat"})
    about = open_for(plain, "image", {}).understood
    known = {column.name for column in about.columns}
    return plain if about.structure == "table" and "label" not in known else settings


def without_labels(settings: DataSettings, *, columns: bool = False) -> DataSettings:
    """Settings that read all rows of the data as one class, whatever labels they have; images with
    partners keep them, and so does a metadata file of which further ``columns`` are read:
    :func:`in_one_class` makes theirs one."""
    if _is_partnered(settings) or (columns and has_metadata(place_here(settings))):
        return settings.model_copy(update={"classes": None})
    return settings.model_copy(update={"structure": "flat", "classes": None})


def _is_partnered(settings: DataSettings) -> bool:
    folder = place_here(settings)
    return folder.is_dir() and open_partnered(folder, settings) is not None


def in_one_class(source: Source) -> Source:
    """The source, its rows all of one class, where it had several."""
    source.classes, source.labels = (FLAT_CLASS,), np.zeros_like(source.labels)
    return source


Wanted = Mapping[str, Field] | Callable[[Source, ImageData], Mapping[str, Field]]
"""Fields by name; where they depend on the data, a function of these."""


def load_records(
    settings: DataSettings,
    fields: Wanted,
    columns: Mapping[str, str] | None = None,
    *,
    labelled: bool | None = None,
    main: str | None = None,
    view: Callable[[Source], Source] | None = None,
    carry: bool = False,
) -> Records:
    """Read the fields: the first image from the image cache, the others beside it.

    Args:
        settings: as for images; the first image field is read as they say.
        fields: what is wanted, by name; labels are the strata and none of them.
        columns: the source's column of a field, where it has another name.
        labelled: whether rows must have a class, or must not; ``None`` takes what there is.
        main: the first image field, where ``fields`` is a function.
        view: makes columns of what the source has, before they are read.
        carry: read all other columns too, to travel along; the rows' classes are one of them where
            rows must have none.

    Raises:
        SynthgenError: a column is missing, or a value in it cannot be read.
    """
    if main is None and isinstance(fields, Mapping):
        main = next((name for name, field in fields.items() if isinstance(field, Image)), None)
    asked = settings
    view, columns = with_joints(fields, settings, columns or {}, view)
    if labelled is False:
        settings = without_labels(settings, columns=view is not None)
    if main is None and settings.color == "auto":
        # Only their places and sizes count: palette and grey masks may lie side by side.
        settings = settings.model_copy(update={"color": "rgb"})
    source = open_for(settings, main, columns)
    source = source if view is None else view(source)
    classes, labels = source.classes, source.labels
    source = in_one_class(source) if labelled is False else source
    data = load_images(settings, source=source)
    fields = fields if isinstance(fields, Mapping) else fields(source, data)
    found: dict[str, np.ndarray] = {} if main is None else {main: data.images}
    digest = hashlib.sha256(data.fingerprint.encode())
    further = {n: f for n, f in fields.items() if n != main and not isinstance(f, Label)}
    for name, field in further.items():
        column = columns.get(name, name)
        cells = Cells(settings, told_names(source, column, field, settings), alone=main is None)
        found[name] = stored_column(source, column, field, data, cells)
        digest.update(name.encode() + found[name].tobytes())
    fingerprint = digest.hexdigest() if further else data.fingerprint
    told, warned = _told(further, found, source, data)
    carried = Carried()
    if carry:
        read = [columns.get(name, name) for name in found]
        own = (classes, labels) if labelled is False else None
        carried = carried_of(asked, source, data.rows, read, own)
        told += tuple(carried.lines())
    return Records(
        found, data.labels, data.classes, data.name, fingerprint, data.fingerprint, data.skipped,
        told, carried, warned,
    )  # fmt: skip


def _told(
    fields: Mapping[str, Field], rows: Mapping[str, np.ndarray], source: Source, data: ImageData
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How all was read, and what of that are warnings."""
    places = [int(row) for row in data.rows]
    found = (told_empty(n, field, rows[n], source, places) for n, field in fields.items())
    warned = tuple(line for line in found if line)
    read = (f"column '{name}': {field.kind}" for name, field in fields.items())
    return (*data.lines(), *read, *(f"warning: {line}" for line in warned)), warned


def open_for(settings: DataSettings, main: str | None, columns: Mapping[str, str]) -> Source:
    """The source whose images are those of the field ``main``: its column, where there is one of
    its name, else the images that the source has; any do where there is no such field.

    Raises:
        SynthgenError: as :func:`open_rows`, or the column that is named for it is missing.
    """
    asked = None if main is None else columns.get(main)
    wanted = asked or main or "image"
    if settings.image_column is not None:
        return open_rows(settings)
    if asked is None:
        try:  # of a table with several image columns one must be named
            source = open_rows(settings)
        except SynthgenError as first:
            try:
                return open_rows(settings.model_copy(update={"image_column": wanted}))
            except SynthgenError:
                raise first from None
        if main in (None, "image"):
            return source
    else:
        source = open_rows(settings.model_copy(update={"image_column": asked}))
        if source.understood.structure in ("table", "pairs", "side-by-side") or asked == "image":
            return source  # whose images the column is, or it was refused
    offered = offered_columns(source.understood.columns).get(wanted)
    column = column_of(source, wanted)
    if column is not None and offered is not None and offered.kind == "image":
        return Shown(source, column, wanted, place_here(settings))
    if asked is None:
        return source
    known = [
        name
        for name, each in offered_columns(source.understood.columns).items()
        if each.kind == "image"
    ]
    raise SynthgenError(
        f"{source.name}: no column of images '{asked}' (there are {name_list(known) or 'none'})"
        f"{did_you_mean(asked, known)}; name it with --field"
    )
