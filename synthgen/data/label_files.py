"""Files that give images their labels: CSV, TSV, JSON, JSON Lines and lists of text beside a folder
of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from synthgen.data.file_kinds import ending, split_meaning
from synthgen.data.image_names import ImageNames
from synthgen.data.label_cells import column_that_is_one, one_of_columns
from synthgen.data.listing import Files, Folder, Parts
from synthgen.data.record_files import FILE_COLUMNS, SPREADSHEETS, NoRows, read_records
from synthgen.data.understood import Column, Kind
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list

LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "class_name", "classname",
                 "class_id", "label_name", "category_name", "species", "breed", "y", "cls",
                 "label_id", "diagnosis", "tag", "type", "kind")  # fmt: skip
"""Names of label columns, the likeliest first."""

SPLIT_COLUMNS = {"split", "set", "subset", "partition", "fold", "data set", "dataset", "phase"}

TABLE_STEMS = {"metadata", "labels", "annotations", "train", "test", "validation", "val"}
"""Names of tables that may be the labels of images beside them."""


@dataclass(frozen=True)
class LabelFile:
    """The records of a label file, a mapping of column to value for each image that it names."""

    where: str
    records: tuple[Mapping[str, Any], ...]
    file_column: str
    found: tuple[Parts | None, ...]
    """The image of each record; ``None`` if there is no such file."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns but that of the file names."""
        names: dict[str, None] = {}
        for record in self.records:
            names.update(dict.fromkeys(record))
        return tuple(name for name in names if name != self.file_column)


def label_files(folder: Folder, files: Files, images: Sequence[Parts]) -> list[LabelFile]:
    """The label files directly in a folder that name images below it.

    A list of text counts where no other file names images.

    Raises:
        SynthgenError: two columns of one have the same name and differ.
    """
    names = ImageNames(images, folder.parts)
    found = [file for file, _ in _tried(folder.own("labels") + _tables(folder), files, names)]
    lists = [file for file, _ in _tried(_lists(folder), files, names)] if not any(found) else []
    return [file for file in (*found, *lists) if file is not None]


def _tables(folder: Folder) -> list[Parts]:
    return [p for p in folder.own("table") if p[-1].partition(".")[0].lower() in TABLE_STEMS]


def _lists(folder: Folder) -> list[Parts]:
    """Files of text that are not those of single images."""
    stems = {parts[-1].rpartition(".")[0] for parts in folder.own("picture")}
    return [parts for parts in folder.own("beside")
            if ending(parts[-1]) == ".txt" and parts[-1][:-4] not in stems]  # fmt: skip


def _tried(
    candidates: Sequence[Parts], files: Files, names: ImageNames
) -> list[tuple[LabelFile | None, str]]:
    """Each file with its records, or ``None`` and why it gives no labels."""
    made: list[tuple[LabelFile | None, str]] = []
    for parts in candidates:
        try:
            records = read_records(parts, files)
        except NoRows as error:
            made.append((None, str(error)))
            continue
        file = _matched(records, names, files.where(parts)) if records else None
        first = next((str(value) for record in records[:1] for value in record.values()), "")
        why = f"names no images here (its first row begins with '{first[:40]}')" if records else (
            "holds no rows"
        )  # fmt: skip
        made.append((file, why))
    return made


def why_not_read(folder: Folder, files: Files, images: Sequence[Parts]) -> str:
    """Of files in a folder that look as if they had the labels: why they are not used, to be put
    behind an error; empty if there are none."""
    names = ImageNames(images, folder.parts)
    stems = {parts[-1].rpartition(".")[0] for parts in images}
    kinds = (*folder.own("labels"), *_tables(folder), *(
        p for p in folder.own("beside") if ending(p[-1]) in SPREADSHEETS
    ))  # fmt: skip
    likely = [p for p in kinds if p[-1].rpartition(".")[0] not in stems][:20]
    packed = [p for p in folder.own("archive") if ending(p[-1][: -len(ending(p[-1]))]) == ".csv"]
    said = [f"{p[-1]} {why}" for p, (file, why) in
            zip(likely, _tried(likely, files, names), strict=True) if file is None]  # fmt: skip
    said += [f"{p[-1]} is packed: unpack it" for p in packed]
    return f" ({'; '.join(said[:3])})" if said else ""


def split_lists(folder: Folder, files: Files) -> list[str]:
    """Names of the text files in a folder that list images of a split, such as ``train.txt``."""
    named = [p for p in folder.own("beside")
             if ending(p[-1]) == ".txt" and split_meaning(p[-1][:-4]) is not None]  # fmt: skip
    names = ImageNames(folder.below("picture"), folder.parts) if named else None
    found = []
    for parts in named:
        raw = files.read(parts)
        text = raw[: 1 << 20].decode("utf-8", errors="replace") if isinstance(raw, bytes) else ""
        lines = [line.split()[0] for line in text.splitlines()[:200] if line.strip()]
        hits = sum(names is not None and names.find(line) is not None for line in lines)
        if lines and hits * 2 >= len(lines):
            found.append(parts[-1])
    return found


SURE = 5
"""Of rows without an ending in their names, one of so many images at least must be named."""


def _matched(
    records: Sequence[Mapping[str, Any]], names: ImageNames, where: str
) -> LabelFile | None:
    """The records with the column that names images; ``None`` if no column does."""
    columns = list(dict.fromkeys(name for record in records[:100] for name in record))
    likely = [name for name in columns if name.lower() in FILE_COLUMNS]
    best: tuple[int, str] | None = None
    for column in [*likely, *(name for name in columns if name not in likely)]:
        # Different ones: a label of 0 or 1 may well be the name of an image.
        hits = len({names.find(r[column]) for r in records[:200] if column in r} - {None})
        if hits and (best is None or hits > best[0]):
            best = hits, column
    if best is None or best[0] * 2 < min(len(records), 200):
        return None
    called = [str(record.get(best[1], "")) for record in records]
    if not any(ending(name) for name in called) and len(records) * SURE < names.count:
        return None  # a list of classes by their numbers, where images have such numbers too
    found = tuple(names.find(name) for name in called)
    return LabelFile(where, tuple(records), best[1], found)


def split_column(file: LabelFile) -> str | None:
    """The column that says of each image which split it is of; ``None`` if there is none."""
    for name in file.columns:
        if name.lower() in SPLIT_COLUMNS and all(
            isinstance(record.get(name), str) and split_meaning(record[name])
            for record in file.records
        ):
            return name
    return None


ONE_HOT = "class"
"""The name of the column of labels that is made of columns that are the classes."""


def with_one_column(file: LabelFile, told: str | None) -> LabelFile:
    """The label file with the column :data:`ONE_HOT`, if its other columns are the classes and in
    each row one of them is 1; else as it is.

    Raises:
        SynthgenError: they are 0 or 1, and a row has none or several.
    """
    columns = [name for name in file.columns if name != told and not _counts_rows(name)]
    try:
        if ONE_HOT in columns or not one_of_columns(file.records, columns):
            return file
    except SynthgenError as error:
        raise SynthgenError(f"{file.where}: {error}") from None
    records = tuple(
        {**record, ONE_HOT: column_that_is_one(record, columns)} for record in file.records
    )
    return replace(file, records=records)


def _unnamed(name: str) -> bool:
    """Whether a column is what data frames write of the numbers of their rows."""
    return not name or name.lower().startswith(("unnamed: ", "__index_level_"))


def _counts_rows(name: str) -> bool:
    return _unnamed(name) or name.lower() in ("id", "index")


def label_column_of(file: LabelFile, wanted: str | None, told: str | None = None) -> str | None:
    """The column of labels, as it is asked for or as it is called; ``None`` if there is no other
    column than that of the file names and that of the splits (``told``).

    Raises:
        SynthgenError: there is no such column, or which one it is cannot be told.
    """
    columns = tuple(name for name in file.columns if name != told and not _unnamed(name))
    if wanted is not None:
        if wanted not in columns:
            hint = did_you_mean(wanted, columns)
            raise SynthgenError(
                f"{file.where}: no column '{wanted}' (there are {name_list(columns)}){hint} "
                "Name it with --label-column"
            )
        return wanted
    lower = {name.lower(): name for name in reversed(columns)}
    known = [lower[name] for name in LABEL_COLUMNS if name in lower]
    if known:
        return known[0]
    if len(columns) <= 1:
        return columns[0] if columns else None
    raise SynthgenError(
        f"{file.where}: which of the columns {name_list(columns)} holds the labels? Name it with "
        "--label-column, or read all images as one class with --structure flat"
    )


def column_kinds(file: LabelFile) -> tuple[Column, ...]:
    """The columns but that of file names, each with what its values are."""
    made = []
    for name in file.columns:
        values = [record[name] for record in file.records if record.get(name) not in (None, "")]
        made.append(Column(name, _kind(values)))
    return tuple(made)


def _kind(values: Sequence[Any]) -> Kind:
    def all_are(convert: type) -> bool:
        try:
            for value in values:
                convert(value)
        except (ValueError, TypeError):
            return False
        return bool(values)

    if any(isinstance(value, list | dict) for value in values):
        return "other"
    if all_are(int) and not any(isinstance(value, float) for value in values):
        return "whole number"
    return "number" if all_are(float) else "text"
