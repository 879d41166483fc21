"""Images with partners: a file of the same stem in each of several folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.data.decode import BadImage
from synthgen.data.exports import BOX_FOLDERS, IMAGE_FOLDERS, MASK_FOLDERS
from synthgen.data.file_kinds import split_meaning
from synthgen.data.listing import Files, Folder, Parts, list_folder
from synthgen.data.mask_names import FILE, mask_names
from synthgen.data.understood import FLAT_CLASS, Column, Understood, grouped
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings.data import DataSettings

if TYPE_CHECKING:
    from synthgen.data.sources import Source

SOURCE = "source"
"""The column of the partner that an image is made from."""
MASK = "mask"
CLASSES_INSTEAD = "; if the folders are classes, say --structure classes"

Key = tuple[str, ...]
"""A file's path below its folder, without its ending."""


def open_pairs(folder: Path, settings: DataSettings) -> Source | None:
    """The source of a folder that holds pairs; ``None`` if it plainly holds none.

    Without ``structure`` only folders of well-known names are pairs: ``images`` beside ``masks``
    (and their like), and ``A`` beside ``B``.

    Raises:
        SynthgenError: the folders do not match, or it is not said which has what.
    """
    if settings.structure not in ("auto", "pairs"):
        return None
    listing = list_folder(folder)
    inside, split, splits = chosen_split(listing.root, settings)
    kids = {name: sub for name, sub in inside.folders.items() if sub.has("picture")}
    known = _known(kids)
    if known is None and settings.structure != "pairs":
        return None
    if len(kids) < 2:
        raise SynthgenError(f"{folder}: holds no two folders of images to pair")
    return Paired(folder, listing.files, kids, known, settings, split, splits)


def chosen_split(
    root: Folder, settings: DataSettings
) -> tuple[Folder, str | None, tuple[str, ...]]:
    """The folder of the split that is wanted, its name and all splits, where all sub-folders are
    splits; else the folder itself.

    Raises:
        SynthgenError: there is no such split.
    """
    kids = {name: sub for name, sub in root.folders.items() if sub.has("picture")}
    if not kids or root.files.get("picture") or not all(map(split_meaning, kids)):
        return root, None, ()
    meaning = split_meaning(settings.split) or settings.split
    for name, sub in kids.items():
        if name == settings.split or split_meaning(name) == meaning:
            return sub, name, tuple(kids)
    hint = did_you_mean(settings.split, kids)
    raise SynthgenError(f"no split '{settings.split}' (there are {name_list(kids)}){hint}")


def _known(kids: Mapping[str, Folder]) -> str | None:
    """Which folder of a well-known pair has the images that are made."""
    low = {name.lower(): name for name in kids}
    if set(low) == {"a", "b"}:
        return low["b"]
    images = [name for key, name in low.items() if key in IMAGE_FOLDERS]
    masks = [name for key, name in low.items() if key in MASK_FOLDERS | BOX_FOLDERS]
    return images[0] if len(images) == 1 and masks and len(low) == 1 + len(masks) else None


class Paired:
    """Rows that have a file of one stem in each of several folders."""

    def __init__(
        self,
        root: Path,
        files: Files,
        kids: Mapping[str, Folder],
        known: str | None,
        settings: DataSettings,
        split: str | None,
        splits: tuple[str, ...],
    ) -> None:
        main = settings.image_column or known
        if main is None or main not in kids:
            hint = "" if main is None else did_you_mean(main, kids)
            raise SynthgenError(
                f"{root}: which of the folders {name_list(kids)} has the images that are to be "
                f"made? Say --image-column NAME{hint}"
            )
        self.name = root.resolve().name
        self._root, self._files = root, files
        self._folders = {_column(name, main): name for name in kids if name != main}
        found = {name: keyed(sub, settings) for name, sub in kids.items()}
        keys, passed = _matched(root, main, found, settings)
        self._parts = {name: [found[name][key] for key in keys] for name in kids}
        self._main = main
        self.classes, self.labels = _classes(keys)
        names = mask_names(settings, root) if MASK in self._folders else None
        columns = [
            Column(name, "mask", names.names if names else ()) if name == MASK
            else Column(name, "image") for name in self._folders
        ]  # fmt: skip
        unnamed = f"the values of the masks have no names; write {FILE} or give --mask-names"
        notes = (unnamed,) if MASK in self._folders and names is None else ()
        told = ", ".join(f"'{column}' from {name}/" for column, name in self._folders.items())
        other = next(name for name in kids if name != main)
        text = (
            f"{len(keys):,} pairs of files of equal stems: images from {main}/, {told} "
            f"(--image-column {other} for the other way round)"
        )
        self.understood = Understood(
            "pairs", text, split, splits, tuple(columns), grouped(passed), notes
        )

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """The image's bytes, or why there are none, and where it came from, for each row."""
        for row in rows:
            yield self._files.read(self._parts[self._main][row]), self.where(row)

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """The bytes of the partners in another folder.

        Raises:
            SynthgenError: there is no such column, or a file cannot be read.
        """
        if column not in self._folders:
            raise SynthgenError(f"{self.name}: no column '{column}'")
        return [self._partner(self._folders[column], row) for row in rows]

    def _partner(self, folder: str, row: int) -> bytes:
        parts = self._parts[folder][row]
        found = self._files.read(parts)
        if isinstance(found, BadImage):
            raise SynthgenError(f"{self._files.where(parts)}: {found}")
        return found

    def where(self, row: int) -> str:
        """Where a row's image came from."""
        return self._files.where(self._parts[self._main][row])

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""
        lines = [str(self._root.resolve()), self._main, *self.classes]
        for name, parts in sorted(self._parts.items()):
            lines += [f"{name}|{'/'.join(each)}|{self._files.stamp(each)}" for each in parts]
        return "\n".join(lines)


def _column(name: str, main: str) -> str:
    """The column's name of a folder beside the main one."""
    low = name.lower()
    if {low, main.lower()} == {"a", "b"}:
        return SOURCE
    return MASK if low in MASK_FOLDERS | BOX_FOLDERS else SOURCE if low in IMAGE_FOLDERS else name


def keyed(folder: Folder, settings: DataSettings) -> dict[Key, Parts]:
    """Files by their path without ending; of folders that hold splits, those of the split."""
    depth = len(folder.parts)
    kids = [name for name, sub in folder.folders.items() if sub.has("picture")]
    divided = bool(kids) and not folder.files.get("picture") and all(map(split_meaning, kids))
    meaning = split_meaning(settings.split)
    found: dict[Key, Parts] = {}
    for parts in folder.below("picture"):
        below = parts[depth:]
        if divided:
            if split_meaning(below[0]) != meaning:
                continue
            below = below[1:]
        key = (*below[:-1], below[-1].rpartition(".")[0])
        if key in found:
            raise SynthgenError(
                f"{'/'.join(parts)}: has the stem of {found[key][-1]} beside it; which of them has "
                "a partner? Keep one"
            )
        found[key] = parts
    return found


def _matched(
    root: Path, main: str, found: Mapping[str, Mapping[Key, Parts]], settings: DataSettings
) -> tuple[list[Key], list[tuple[str, str, str]]]:
    """The stems that all folders have, and what is left out.

    Raises:
        SynthgenError: a file has no partner, and such files are not to be skipped.
    """
    common = [key for key in found[main] if all(key in own for own in found.values())]
    paired = set(common)
    passed: list[tuple[str, str, str]] = []
    for name, own in found.items():
        alone = [parts for key, parts in own.items() if key not in paired]
        passed += [("images", f"of {name}/ without a partner", str(root.joinpath(*p)))
                   for p in alone]  # fmt: skip
    if not common:
        firsts = [f"{name}/ begins with {next(iter(own.values()))[-1]}"
                  for name, own in found.items() if own]  # fmt: skip
        raise SynthgenError(
            f"{root}: no stem is in all of {name_list(found)}: {name_list(firsts)}; give partners "
            f"the same file name but for the ending{CLASSES_INSTEAD}"
        )
    if passed and settings.on_bad_image == "stop":
        raise SynthgenError(
            f"{passed[0][2]}: has no partner of the same stem in the other folder ({len(passed):,} "
            f"such files in {name_list(found)}, {len(common):,} pairs); add it, or leave such "
            f"files out with --on-bad-image skip{CLASSES_INSTEAD}"
        )
    return common, passed


def _classes(keys: Sequence[Key]) -> tuple[tuple[str, ...], np.ndarray]:
    """Classes by sub-folder, where all files lie in one; else the one class of all."""
    if not all(len(key) > 1 for key in keys):
        return (FLAT_CLASS,), np.zeros(len(keys), dtype=np.int64)
    names = sorted({key[0] for key in keys})
    return tuple(names), np.array([names.index(key[0]) for key in keys], dtype=np.int64)
