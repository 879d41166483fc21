"""Folders of solids: files ``.npy`` and ``.binvox``, and for each a folder of views of it.

Solids lie in class folders or loose, alone or below ``voxels/``. Views lie below ``views/`` in
folders of the same names, one for each solid, and ``views.csv`` has ``file_name`` and ``angle`` for
each of their files. There may be views alone, to make solids of.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synthgen.data.decode import BadImage
from synthgen.data.file_kinds import FileKind, ending, split_meaning
from synthgen.data.listing import Files, Folder, Listing, Parts
from synthgen.data.reading import Reading, flat
from synthgen.data.solids import (
    FILE,
    Seen,
    SolidCells,
    Told,
    first_views,
    of_size,
    seen_of,
    stamped,
    told_beside,
)
from synthgen.data.structure import read_tree
from synthgen.data.understood import Column
from synthgen.data.view_angles import TABLE, VIEWS, angles_in
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings

SOLIDS = (".binvox", ".npy")
VOXELS: Literal["voxels"] = "voxels"
NPY = b"\x93NUMPY"
LOOKED_AT = 8
"""Files that are tried for the size of all."""


def solid_parts(folder: Folder) -> list[Parts]:
    """The files of solids in a folder and below it."""
    kinds: tuple[FileKind, ...] = ("solid", "beside")
    found = [parts for kind in kinds for parts in folder.below(kind)]
    return sorted(parts for parts in found if ending(parts[-1]) in SOLIDS)


def split_of(root: Folder, split: str) -> Folder:
    """The folder of the split that is asked for, where the root has nothing else; else the root."""
    kids = root.folders
    if not kids or not all(map(split_meaning, kids)):
        return root
    meaning = split_meaning(split) or split
    return next((kids[n] for n in kids if n == split or split_meaning(n) == meaning), root)


def holds_solids(listing: Listing, split: str) -> bool:
    """Whether a folder is one of solids: it has such files and no pictures of its own, or
    ``voxels/`` with them, or ``views/`` with ``views.csv``."""
    base = split_of(listing.root, split)
    if VOXELS in base.folders and solid_parts(base.folders[VOXELS]):
        return True
    if base.folders.get(VIEWS) is not None and TABLE in base.files.get("labels", ()):
        return True
    others: tuple[FileKind, ...] = ("picture", "table", "archive")
    if any(base.has(kind) for kind in others):
        return False
    found = solid_parts(base)
    few = found[:LOOKED_AT]
    return base.has("solid") or any(_is_cube(listing.files.read(parts)) for parts in few)


def _is_cube(content: bytes | BadImage) -> bool:
    """Whether the array of a file has three equal sides: other arrays are no solids."""
    try:
        shape = np.load(io.BytesIO(content), allow_pickle=False).shape  # type: ignore[arg-type]
    except (ValueError, EOFError, OSError, TypeError):
        return False
    return len(shape) == 3 and len(set(shape)) == 1


def open_solids(path: Path, listing: Listing, settings: DataSettings, split: str) -> SolidTree:
    """The source of such a folder.

    Raises:
        SynthgenError: solids have no views, or views no angle, or how it is meant is not plain.
    """
    base = split_of(listing.root, split)
    place = path.joinpath(*base.parts)
    told = told_beside(place) if (place / FILE).is_file() else told_beside(path)
    within = base.folders.get(VOXELS, base)
    solids = solid_parts(within)
    seen = base.folders.get(VIEWS)
    if seen is None and TABLE in base.files.get("labels", ()):
        raise SynthgenError(
            f"{place / TABLE}: tells angles, and there is no folder {VIEWS}/ beside it: put the "
            f"views there, as {VIEWS}/chair-1/front.png, or remove it"
        )
    views = None if seen is None else ViewFiles(place, base, seen, listing.files)
    if not solids:
        assert views is not None
        within = base.folders[VIEWS]
        rows = list(views.objects)
    else:
        rows = solids
    tree = _tree_of(within.parts, rows, within)
    if settings.structure == "auto" and not tree.folders:
        reading = flat(tree, listing.files.where(tree.parts))
    else:
        reading = read_tree(Listing(tree, listing.files, listing.passed), settings, split)
    return SolidTree(
        reading, listing.files, path.resolve().name, str(path.resolve()),
        told, views, bool(solids), len(within.parts), settings.max_pixels,
    )  # fmt: skip


def _tree_of(parts: Parts, rows: Sequence[Parts], within: Folder) -> Folder:
    """A tree in which rows count as pictures, with the label files beside them."""
    tree = Folder(parts)
    for row in rows:
        folder = tree
        for name in row[len(parts) : -1]:
            folder = folder.folders.setdefault(name, Folder((*folder.parts, name)))
        folder.files.setdefault("picture", []).append(row[-1])
    labels = [name for name in within.files.get("labels", ()) if name not in (FILE, TABLE)]
    if labels:
        tree.files["labels"] = labels
    tree.sort()
    return tree


class ViewFiles:
    """The views of each object, by the object's path below ``views/``."""

    def __init__(self, place: Path, base: Folder, folder: Folder, files: Files) -> None:
        self._files = files
        self.place = place
        depth = len(folder.parts)
        self.objects: dict[Parts, list[Parts]] = {}
        for parts in folder.below("picture"):
            if len(parts) - depth < 2:
                raise SynthgenError(
                    f"{files.where(parts)}: views lie in a folder for each object, as "
                    f"{VIEWS}/chair-1/front.png"
                )
            self.objects.setdefault(parts[:-1], []).append(parts)
        self._below = {parts[depth:]: parts for parts in self.objects}
        self.angles = angles_in(base, files)
        self._named: dict[Parts, list[Parts]] = {}
        for parts in self.angles:
            self._named.setdefault(parts[:-1], []).append(parts)

    def of(self, key: Parts) -> Seen | BadImage:
        """The views of the object of this path, in the order of their names."""
        found = self._below.get(key)
        if found is None:
            return BadImage(f"has no views in {VIEWS}/{'/'.join(key)}")
        lost = [parts for parts in self._named.get(found, ()) if parts not in self.objects[found]]
        if lost:
            return BadImage(f"lacks the view {'/'.join(lost[0])}, which {TABLE} names")
        files, angles = [], []
        for parts in self.objects[found]:
            content = self._files.read(parts)
            if isinstance(content, BadImage):
                return BadImage(f"view {self._files.where(parts)} {content}")
            files.append(content)
            angles.append(self.angles.get(parts))
        if self.angles and None in angles:
            other = self._files.where(self.objects[found][angles.index(None)])
            return BadImage(f"has a view without an angle in {TABLE}: {other}")
        return seen_of(files, angles if self.angles else None, Told())


class SolidTree:
    """Rows that are files of solids, or objects of which there are views alone."""

    def __init__(
        self, reading: Reading, files: Files, name: str, root: str, told: Told,
        views: ViewFiles | None, solid: bool, depth: int, max_pixels: int,
    ) -> None:  # fmt: skip
        self.name = name
        self.classes, self.labels = reading.classes, reading.labels
        self._rows, self._files, self._root = reading.images, files, root
        self._views, self._told, self._depth = views, told, depth
        self._size: tuple[int, int] | None = None
        few = range(min(LOOKED_AT, len(self._rows)))
        self._solids = (
            SolidCells.of(((self._solid(n), self.where(n)) for n in few), told)
            if solid else None
        )  # fmt: skip
        columns = list(reading.understood.columns)
        if self._solids is not None:
            columns.append(Column(VOXELS, VOXELS, offers=self._solids.field))
        if views is not None:
            looked = first_views(((self._seen(n), self.where(n)) for n in few), max_pixels)
            self._size = looked.size
            columns.append(Column(VIEWS, VIEWS, offers=looked.field, fault=looked.fault))
        what = "solids" if solid else "views of objects, and no solids"
        said = reading.understood.reading.replace("images", "rows")
        text = f"{len(self._rows):,} {what}: {said}"
        self.understood = replace(reading.understood, reading=text, columns=tuple(columns))

    def _solid(self, row: int) -> bytes | BadImage:
        """The file of a row, if it is what its name says."""
        content = self._files.read(self._rows[row])
        npy = ending(self._rows[row][-1]) == ".npy"
        if npy and not isinstance(content, BadImage) and not content.startswith(NPY):
            return BadImage(
                "is no .npy file, whatever its name says; a cube of yes and no is wanted, as "
                "numpy.save writes 32 x 32 x 32 of bool"
            )
        return content

    def _seen(self, row: int) -> Seen | BadImage:
        parts = self._rows[row]
        if self._views is None:
            return BadImage("has no views")
        own = parts[self._depth :]
        if self._solids is not None or ending(own[-1]) in SOLIDS:
            own = (*own[:-1], own[-1].removesuffix(ending(own[-1])))
        found = self._views.of(own)
        if isinstance(found, Seen) and not found.angles and self._told.angles:
            return seen_of(found.files, None, self._told)
        return found

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """A picture of the solid, or the first of the views, and where it came from."""
        for row in rows:
            if self._solids is not None:
                yield self._solids.picture(self._solid(row)), self.where(row)
            else:
                seen = self._seen(row)
                yield seen if isinstance(seen, BadImage) else seen.files[0], self.where(row)

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """Solids ``uint8 [S, S, S]`` or views of these rows, or why there are none.

        Raises:
            SynthgenError: there is no such column.
        """
        if column == VOXELS and self._solids is not None:
            return [self._solids.grid(self._solid(row)) for row in rows]
        if column == VIEWS and self._views is not None:
            return [of_size(self._seen(row), self._size) for row in rows]
        raise SynthgenError(f"{self.name}: no column '{column}'")

    def where(self, row: int) -> str:
        """Where a row's solid came from."""
        return self._files.where(self._rows[row])

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""
        lines = ["/".join(p) + "|" + self._files.stamp(p) for p in self._rows]
        if self._views is not None:
            views = [p for own in self._views.objects.values() for p in own]
            lines += ["/".join(p) + "|" + self._files.stamp(p) for p in views]
            lines += [f"{'/'.join(p)}={angle}" for p, angle in self._views.angles.items()]
        lines += [*self.classes, *map(str, self.labels.tolist())]
        return stamped(self._root, self._told.key, *lines)
