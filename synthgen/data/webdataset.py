"""Archives whose members belong together by name: ``000123.jpg`` and ``000123.cls``.

A sample's key is the name up to the first dot; ``cls`` holds a class' number or name, ``json`` a
record with columns, ``txt`` a caption. ``classes.json`` beside the archives names the numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.class_names import checked, in_order, indexed
from synthgen.data.decode import BadImage
from synthgen.data.file_kinds import FileKind, ending, split_in_file_name, split_meaning
from synthgen.data.label_cells import label_text, settled
from synthgen.data.label_files import LABEL_COLUMNS
from synthgen.data.listing import Listing, Parts
from synthgen.data.reading import Reading, refuse_minus_one
from synthgen.data.understood import FLAT_CLASS, Column, Understood
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings.data import DataSettings

LABELS = (".cls", ".cls.txt", ".label")
SIDES = {".cls", ".label", ".txt", ".json", ".caption"}


class Archives:
    """Several archives as one tree, each below a first part of its own name."""

    def __init__(self, listings: Mapping[str, Listing]) -> None:
        self._listings = dict(listings)

    def read(self, parts: Parts) -> bytes | BadImage:
        return self._listings[parts[0]].files.read(parts[1:])

    def where(self, parts: Parts) -> str:
        return self._listings[parts[0]].files.where(parts[1:])

    def stamp(self, parts: Parts) -> str:
        return self._listings[parts[0]].files.stamp(parts[1:])


def is_webdataset(listing: Listing) -> bool:
    """Whether an archive's members are samples: images with files of their name beside them. Class
    folders whose images have records beside them are none, if no record names a class."""
    pictures = list(listing.root.below("picture"))
    stems = {_key(parts) for parts in pictures}
    sides = [parts for parts in _sides(listing) if _key(parts) in stems]
    known = {_key(parts) for parts in sides}
    if not known or len(known) * 2 < len(stems):
        return False
    folders = {parts[:-1] for parts in pictures}
    return len(folders) < 2 or () in folders or any(_names_class(p, listing) for p in sides[:20])


def _names_class(side: Parts, listing: Listing) -> bool:
    """Whether a file beside an image says its class."""
    if _last(side) in LABELS:
        return True
    content = listing.files.read(side)
    try:
        record = json.loads(content) if isinstance(content, bytes) else None
    except ValueError:
        return False
    return isinstance(record, dict) and any(name in record for name in ("cls", *LABEL_COLUMNS))


def _sides(listing: Listing) -> Iterator[Parts]:
    """The members that say something of an image."""
    kinds: tuple[FileKind, ...] = ("beside", "labels", "picture")
    for kind in kinds:
        yield from (parts for parts in listing.root.below(kind) if ending(parts[-1]) in SIDES)


def read_archives(
    listings: Mapping[str, Listing], folder: Path, settings: DataSettings, split: str
) -> Reading:
    """The samples of the archives of one split.

    Raises:
        SynthgenError: they have no labels, or there is no such split.
    """
    chosen, name, splits = _of_split(listings, split, folder)
    files = Archives(chosen)
    samples = [
        (parts, (key, *parts)) for key, listing in chosen.items()
        for parts in listing.root.below("picture") if ending(parts[-1]) not in SIDES
    ]  # fmt: skip
    images = tuple(whole for _, whole in samples)
    sides = {
        (key, _key(parts), _last(parts)): (key, *parts)
        for key, listing in chosen.items() for parts in _sides(listing)
    }  # fmt: skip
    records = tuple(_record(whole, sides, files) for whole in images)
    about = Understood("archives", "", name, splits if len(splits) > 1 else (), _columns(records))
    if settings.structure == "flat":
        said = f"WebDataset archives, {len(images):,} images of one class, '{FLAT_CLASS}'"
        return _reading(
            about, said, images, (FLAT_CLASS,), np.zeros(len(images), np.int64), records
        )
    column = _label_column(records, settings.label_column, folder)
    texts = []
    for whole, record in zip(images, records, strict=True):
        where = files.where(whole)
        texts.append(checked(label_text(record.get(column), where, column), where))
    texts, notes = settled(texts, str(folder), column)
    refuse_minus_one(texts, str(folder), settings.classes is not None)
    known = _named_classes(folder)
    if known and all(text.isdigit() and int(text) < len(known) for text in texts):
        texts = [known[int(text)] for text in texts]
        classes, labels = indexed(texts, known)
    else:
        classes, labels = indexed(texts, in_order(texts))
    about = replace(about, used=(column,))
    return _reading(about, f"WebDataset archives, labels of '{column}'", images, classes, labels,
                    records).noted(*notes)  # fmt: skip


def _reading(
    about: Understood, said: str, images: tuple[Parts, ...], classes: tuple[str, ...],
    labels: np.ndarray, records: tuple[Mapping[str, Any], ...],
) -> Reading:  # fmt: skip
    return Reading(replace(about, reading=said), images, classes, labels, records)


def _of_split(
    listings: Mapping[str, Listing], split: str, folder: Path
) -> tuple[dict[str, Listing], str | None, tuple[str, ...]]:
    """The archives of the split by their names; all of them where no name speaks of one."""
    told = {name: split_in_file_name((name.partition(".")[0],)) for name in listings}
    splits = tuple(sorted({meaning for meaning in told.values() if meaning}))
    if not splits:
        return dict(listings), None, ()
    wanted = split_meaning(split) or split
    chosen = {name: each for name, each in listings.items() if told[name] == wanted}
    if not chosen:
        raise SynthgenError(f"{folder}: no split '{split}' (there are {name_list(splits)})")
    return chosen, wanted, splits


def _key(parts: Parts) -> Parts:
    return (*parts[:-1], parts[-1].partition(".")[0])


def _last(parts: Parts) -> str:
    return "." + parts[-1].partition(".")[2].lower()


def _record(
    whole: Parts, sides: Mapping[tuple[str, Parts, str], Parts], files: Archives
) -> dict[str, Any]:
    """What the archive says of one image."""
    archive, key = whole[0], _key(whole[1:])
    record: dict[str, Any] = {}
    for last in (".json", ".txt", ".caption", *LABELS):
        side = sides.get((archive, key, last))
        content = files.read(side) if side is not None else None
        if not isinstance(content, bytes):
            continue
        text = content.decode("utf-8", errors="replace")
        if last == ".json":
            try:
                found = json.loads(text)
            except ValueError:
                found = None
            record.update(found if isinstance(found, dict) else {})
        else:
            record["cls" if last in LABELS else last[1:]] = text.strip()
    return record


def _columns(records: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    names = dict.fromkeys(name for record in records[:100] for name in record)
    return tuple(
        Column(
            name, "text" if any(isinstance(r.get(name), str) for r in records[:100]) else "other"
        )
        for name in names
    )


def _label_column(records: Sequence[Mapping[str, Any]], wanted: str | None, folder: Path) -> str:
    columns = list(dict.fromkeys(name for record in records for name in record))
    if wanted is not None:
        if wanted not in columns:
            hint = did_you_mean(wanted, columns)
            raise SynthgenError(
                f"{folder}: no column '{wanted}' (there are {name_list(columns)}){hint}"
            )
        return wanted
    found = next((name for name in ("cls", *LABEL_COLUMNS) if name in columns), None)
    if found is None:
        raise SynthgenError(
            f"{folder}: is a WebDataset without classes: its samples have {name_list(columns)} and "
            "no .cls; name a key of their JSON with --label-column, or read all images as one "
            "class with --structure flat"
        )
    return found


def _named_classes(folder: Path) -> tuple[str, ...]:
    """The names in ``classes.json`` beside the archives; empty without."""
    for name in ("classes.json", "classes.txt"):
        path = folder / name
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        try:
            found = json.loads(text) if name.endswith("json") else text.split("\n")
        except ValueError:
            continue
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            return tuple(checked(each, str(path)) for each in found if each.strip())
    return ()
