"""One way to read a tree of images: which of them, and the class of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthgen.data.class_names import checked, in_order, indexed, joined
from synthgen.data.file_kinds import split_meaning
from synthgen.data.image_names import ImageNames
from synthgen.data.label_cells import label_text, settled
from synthgen.data.label_files import (
    LabelFile,
    column_kinds,
    label_column_of,
    split_column,
    with_one_column,
)
from synthgen.data.listed import FILES
from synthgen.data.listing import Files, Folder, Parts
from synthgen.data.understood import FLAT_CLASS, Understood
from synthgen.spec.errors import SynthgenError, name_list

Passed = tuple[str, str, str]
"""What was passed over: ``(what, why, where)``."""


@dataclass(frozen=True)
class Reading:
    """Images in a fixed order with their classes, and how they came by them."""

    understood: Understood
    images: tuple[Parts, ...]
    classes: tuple[str, ...]
    labels: np.ndarray
    """``int64 [N]``, indices into ``classes``."""
    records: tuple[Mapping[str, Any], ...] = ()
    """What a label file says of each image; empty without one."""
    passed: tuple[Passed, ...] = ()
    label_file: str | None = None
    """Where the labels come from; ``None`` if from folders."""

    def noted(self, *notes: str, passed: Sequence[Passed] = ()) -> Reading:
        """This reading with more notes, and more that was passed over."""
        understood = replace(self.understood, notes=(*notes, *self.understood.notes))
        return replace(self, understood=understood, passed=(*passed, *self.passed))

    def in_split(self, split: str, splits: Sequence[str]) -> Reading:
        """This reading as that of one split of several."""
        own = replace(self.understood, structure="splits", split=split, splits=tuple(splits),
                      reading=f"{self.understood.reading}, in folders of splits")  # fmt: skip
        return replace(self, understood=own)


def flat(folder: Folder, where: str) -> Reading:
    """All images at and below ``folder`` as one class.

    Raises:
        SynthgenError: there are none.
    """
    images = tuple(folder.below("picture"))
    if not images:
        raise SynthgenError(f"{where}: holds no images")
    said = Understood("flat", f"{len(images):,} images of one class, '{FLAT_CLASS}'")
    return Reading(said, images, (FLAT_CLASS,), np.zeros(len(images), dtype=np.int64))


def of_classes(folder: Folder, files: Files, split: str | None = None) -> Reading:
    """Each sub-folder with images is a class of its name.

    ``split``: of class folders that are divided themselves, the part of that meaning.

    Raises:
        SynthgenError: one is empty, or its name is none.
    """
    names: list[str] = []
    labels: list[int] = []
    images: list[Parts] = []
    passed: list[Passed] = []
    for name, sub in folder.folders.items():
        where = files.where(sub.parts)
        if not sub.has("picture"):
            passed += _without_images(sub, where)
            continue
        parts = [sub] if split is None else [
            each for key, each in sub.folders.items() if split_meaning(key) == split
        ]  # fmt: skip
        own = [image for part in parts for image in part.below("picture")]
        images += own
        labels += [len(names)] * len(own)
        names.append(checked(name, where))
    loose = folder.own("picture")
    passed += [("images", "in no class folder", files.where(parts)) for parts in loose]
    classes, numbers = joined(names, np.asarray(labels, dtype=np.int64))
    said = Understood("classes", f"{len(classes)} class folders")
    reading = Reading(said, tuple(images), classes, numbers, passed=tuple(passed))
    if len(classes) < len(names):
        return reading.noted("two class folders have the same name, written with composed and with "
                             "decomposed accents: they are one class")  # fmt: skip
    return reading


def _without_images(sub: Folder, where: str) -> list[Passed]:
    if any(sub.has(kind) for kind in ("archive", "table")):
        raise SynthgenError(
            f"{where}: class folder without images, but with archives or tables; unpack or move "
            "them"
        )
    others = any(sub.has(kind) for kind in ("labels", "beside"))
    if not others and not sub.linked_or_made:
        raise SynthgenError(f"{where}: class folder without images; fill it or remove it")
    return [("folders", "without images", where)]


def of_label_file(
    file: LabelFile,
    base: Folder,
    within: Folder,
    column: str | None,
    classes_given: bool,
    split: str,
) -> Reading:
    """The images that a label file names, with the labels it gives; those of ``within`` alone, and
    of the split alone where a column of the file tells splits.

    Raises:
        SynthgenError: a label is empty, or -1 and not asked for; or no row names an image.
    """
    told = split_column(file)
    given = file
    file = with_one_column(file, told) if column is None else file
    column = label_column_of(file, column, told)
    if column is None:
        raise SynthgenError(
            f"{file.where}: names images and has no column of labels; add one, or read all images "
            "as one class with --structure flat"
        )
    rows, splits = _rows_of_split(file, within, told, split)
    if not rows:
        raise SynthgenError(f"{file.where}: names none of the images in {'/'.join(within.parts)}")
    texts = [
        checked(label_text(row.record.get(column), f"{file.where} row {row.number}", column),
                file.where)
        for row in rows
    ]  # fmt: skip
    texts, notes = settled(texts, file.where, column)
    refuse_minus_one(texts, file.where, classes_given)
    rows, texts, twice = _once(rows, texts, file)
    classes, labels = indexed(texts)
    images = [row.image or _missing(base, row.record[file.file_column]) for row in rows]
    records, partners = with_partners([row.record for row in rows], within)
    known = {found for found in file.found if found is not None} | partners
    others = [p for p in within.below("picture") if p not in known]
    passed = [("images", "without a label in the label file", "/".join(p)) for p in others]
    how = f"column '{column}'" if file is given else "the columns that are 0 or 1"
    said = Understood(
        "labels",
        f"labels from {how} of {file.where}, {len(classes)} classes",
        split_meaning(split) or split if splits else None,
        splits,
        columns=column_kinds(file),
        notes=tuple(notes),
        used=(column,),
    )
    return Reading(said, tuple(images), classes, labels, records, (*passed, *twice), file.where)


def with_partners(
    records: Sequence[Mapping[str, Any]], within: Folder
) -> tuple[tuple[Mapping[str, Any], ...], set[Parts]]:
    """The records of a label file, their ``*_file_name`` cells as paths from the data's root, and
    the images that these name: they are partners of the images, and none themselves."""
    columns = {name for record in records for name in record if name.endswith(FILES)}
    if not columns:
        return tuple(records), set()
    names, partners, made = ImageNames(within.below("picture"), within.parts), set(), []
    for record in records:
        own = dict(record)
        for column in columns & set(record):
            found = names.find(record[column]) if record[column] else None
            if found is not None:
                own[column] = "/".join(found)
                partners.add(found)
        made.append(own)
    return tuple(made), partners


@dataclass(frozen=True)
class _Row:
    """A row of a label file."""

    number: int
    """From 1 on."""
    image: Parts | None
    record: Mapping[str, Any]


def _rows_of_split(
    file: LabelFile, within: Folder, told: str | None, split: str
) -> tuple[list[_Row], tuple[str, ...]]:
    """The rows about images of a folder, of the wanted split where a column tells splits; and all
    splits then."""
    depth = len(within.parts)
    rows = [
        _Row(number, found, record)
        for number, (found, record) in enumerate(zip(file.found, file.records, strict=True), 1)
        if found is None or found[:depth] == within.parts
    ]
    if told is None:
        return rows, ()
    meanings = [str(split_meaning(str(row.record[told]))) for row in rows]
    splits, wanted = tuple(sorted(set(meanings))), split_meaning(split) or split
    rows = [row for row, meaning in zip(rows, meanings, strict=True) if meaning == wanted]
    if not rows:
        raise SynthgenError(
            f"{file.where}: no split '{split}' in column '{told}' (there are {name_list(splits)})"
        )
    return rows, splits


def _once(
    rows: Sequence[_Row], texts: Sequence[str], file: LabelFile
) -> tuple[list[_Row], list[str], list[Passed]]:
    """The rows without those that name an image again.

    Raises:
        SynthgenError: two rows give an image different labels.
    """
    first: dict[Parts, tuple[_Row, str]] = {}
    kept: list[tuple[_Row, str]] = []
    passed: list[Passed] = []
    for row, text in zip(rows, texts, strict=True):
        if row.image is None or row.image not in first:
            kept.append((row, text))
            if row.image is not None:
                first[row.image] = row, text
            continue
        before, label = first[row.image]
        if label != text:
            raise SynthgenError(
                f"{file.where}: rows {before.number} and {row.number} give the image "
                f"{row.record[file.file_column]} different labels, '{label}' and '{text}': here an "
                "image has one class; mend or remove one of the rows"
            )
        passed.append(("rows", "name an image that an earlier row names", f"{file.where} row "
                       f"{row.number}"))  # fmt: skip
    return [row for row, _ in kept], [text for _, text in kept], passed


def refuse_minus_one(names: Sequence[str], where: str, classes_given: bool) -> None:
    """By custom a label of -1 among whole numbers means that there is none.

    Raises:
        SynthgenError: there is one, and the classes wanted are not named.
    """
    if not classes_given and "-1" in names and all(name.lstrip("-").isdigit() for name in names):
        wanted = ",".join(name for name in in_order(names) if name != "-1")
        raise SynthgenError(
            f"{where}: {names.count('-1'):,} rows have the label -1, which says 'no label' by "
            f"custom (the first is row {names.index('-1') + 1}); leave them out with --classes "
            f"{wanted[:80]}, or name -1 there too if it is a class"
        )


def _missing(base: Folder, name: Any) -> Parts:
    """Where an image that is not there should be: always inside of the data."""
    parts = str(name).replace("\\", "/").split("/")
    inside = all(part not in ("", ".", "..") for part in parts)
    return (*base.parts, *parts) if inside else (*base.parts, parts[-1].strip(".") or "?")
