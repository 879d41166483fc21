"""COCO's JSON of annotations (Lin et al. 2014, arXiv:1405.0312): masks and joints of images.

A mask has the class of the smallest thing at every place, 0 where there is none. The joints are
those of the image's largest thing that has any. Outlines count from a pixel's corner; joints are
numbers of pixels, as ours are.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.decode import BadImage, read_head
from synthgen.data.pairs import MASK
from synthgen.data.understood import FLAT_CLASS, Column, Understood
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.settings.data import DataSettings

KEYPOINTS = "keypoints"
BACKGROUND = "background"
IMAGE_FOLDERS = ("", "images", "image", "data")
"""Where the images of a file may lie, beside it; a folder of the split's name comes first."""
LARGEST = 2**30


def open_coco(folder: Path, settings: DataSettings) -> Coco | None:
    """The source of a folder with a JSON file of annotations; ``None`` if there is none.

    Raises:
        SynthgenError: it has several and none is of the split, or it is damaged.
    """
    if settings.structure not in ("auto", "coco"):
        return None
    files = sorted([*folder.glob("*.json"), *folder.glob("annotations/*.json")])
    records = {path: record for path in files if (record := _record(path)) is not None}
    if not records and settings.structure == "coco":
        raise SynthgenError(
            f"{folder}: has no JSON file with the keys images, annotations and categories"
        )
    if not records:
        return None
    own = [path for path in records if settings.split in path.stem] or list(records)
    if len(own) > 1:
        raise SynthgenError(
            f"{folder}: several files of annotations ({name_list([path.name for path in own])}); "
            "keep the one that is meant, or name its split with --split"
        )
    return Coco(folder, own[0], records[own[0]], settings)


def _record(path: Path) -> Mapping[str, Any] | None:
    """The record of a file, if it is COCO's."""
    if path.stat().st_size > LARGEST:
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    if '"annotations"' not in text or '"images"' not in text or '"categories"' not in text:
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    wanted = ("images", "annotations", "categories")
    fits = isinstance(record, dict) and all(isinstance(record.get(key), list) for key in wanted)
    return record if fits else None


class Coco:
    """Images of a file of annotations, with the columns ``mask`` and ``keypoints``."""

    def __init__(
        self, folder: Path, path: Path, record: Mapping[str, Any], settings: DataSettings
    ) -> None:
        self.name = folder.resolve().name
        self._path = path
        try:
            kinds = sorted(record["categories"], key=lambda kind: int(kind["id"]))
            self._numbers = {int(kind["id"]): place + 1 for place, kind in enumerate(kinds)}
            self._images = [dict(image) for image in record["images"]]
            self._marks: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
            for mark in record["annotations"]:
                self._marks[int(mark["image_id"])].append(mark)
            names = (BACKGROUND, *(str(kind["name"]) for kind in kinds))
            joints, limbs, self._jointed = _joints_of(kinds)
            files = [str(image["file_name"]) for image in self._images]
        except (KeyError, TypeError, ValueError) as error:
            reason = " ".join(f"{type(error).__name__} {error}".split())[:100]
            raise SynthgenError(f"{path}: is no file of COCO annotations ({reason})") from None
        self._files = [self._found(folder, path, file, settings.split) for file in files]
        self.classes: tuple[str, ...] = (FLAT_CLASS,)
        self.labels = np.zeros(len(files), dtype=np.int64)
        columns = (
            [Column(MASK, "mask", names)] if any(map(self._drawn, record["annotations"])) else []
        )
        if joints:
            columns.append(Column(KEYPOINTS, "joints", joints, limbs))
        text = (
            f"{len(files):,} images with {len(record['annotations']):,} annotations of "
            f"{len(kinds)} categories in {path.name} (COCO)"
        )
        self.understood = Understood("coco", text, columns=tuple(columns))

    @staticmethod
    def _drawn(mark: Mapping[str, Any]) -> bool:
        return bool(mark.get("segmentation"))

    @staticmethod
    def _found(folder: Path, path: Path, file: str, split: str) -> Path:
        parts = Path(file).parts
        if not parts or Path(file).is_absolute() or ".." in parts:
            return folder / "?"
        places = [folder / near for near in (split, f"images/{split}", *IMAGE_FOLDERS)]
        return next((p / file for p in places if (p / file).is_file()), folder / file)

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """The file's bytes, or why there are none, and where it came from, for each row."""
        for row in rows:
            path = self._files[row]
            yield (read_head(path) if path.is_file() else BadImage("is missing")), self.where(row)

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """Masks ``uint8 [h, w]``, or joints as x, y, seen.

        Raises:
            SynthgenError: there is no such column, or an annotation is damaged.
        """
        known = {each.name: each for each in self.understood.columns}
        if column not in known:
            raise SynthgenError(f"{self.name}: no column '{column}'")
        read = self._mask if column == MASK else self._joints
        found = []
        for row in rows:
            try:
                found.append(read(row, len(known[column].names)))
            except (KeyError, TypeError, ValueError, IndexError) as error:
                reason = " ".join(f"{type(error).__name__} {error}".split())[:100]
                raise SynthgenError(
                    f"{self._path}: the annotations of {self._files[row].name} are damaged "
                    f"({reason})"
                ) from None
        return found

    def _of(self, row: int) -> list[Mapping[str, Any]]:
        """The annotations of an image, the largest thing first."""
        marks = self._marks.get(int(self._images[row]["id"]), [])
        return sorted(marks, key=lambda mark: -float(mark.get("area") or 0))

    def _mask(self, row: int, _: int) -> np.ndarray:
        image = self._images[row]
        height, width = int(image["height"]), int(image["width"])
        mask = np.zeros((height, width), dtype=np.uint8)
        for mark in self._of(row):
            if self._drawn(mark):
                shape = shape_of(mark["segmentation"], height, width)
                mask[shape] = self._numbers[int(mark["category_id"])]
        return mask

    def _joints(self, row: int, count: int) -> list[list[float]]:
        for mark in self._of(row):
            if not mark.get("keypoints") or int(mark["category_id"]) not in self._jointed:
                continue
            numbers = np.asarray(mark["keypoints"], dtype=float).reshape(count, 3)
            seen = numbers[:, 2:] > 0
            if seen.any():
                found: list[list[float]] = np.concatenate(
                    [numbers[:, :2] * seen, seen], axis=1
                ).tolist()
                return found
        return [[0.0, 0.0, 0.0]] * count

    def where(self, row: int) -> str:
        """Where a row's image came from."""
        return str(self._files[row])

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""
        lines = []
        for path in (self._path, *self._files):
            stat = path.stat() if path.is_file() else None
            lines.append(f"{path}|{stat and stat.st_size}|{stat and stat.st_mtime_ns}")
        return "\n".join(lines)


def shape_of(segmentation: Any, height: int, width: int) -> np.ndarray:
    """``bool [height, width]``: the places of polygons ``[[x, y, ...], ...]``, or of run lengths as
    a list or in COCO's text.

    Raises:
        ValueError: they do not fit the image.
    """
    if isinstance(segmentation, Mapping):
        counts = segmentation["counts"]
        runs = _unpacked(counts) if isinstance(counts, str) else [int(count) for count in counts]
        if sum(runs) != height * width:  # before so many are written down
            raise ValueError(f"{sum(runs)} pixels in run lengths for {width}x{height}")
        flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        return flat.reshape(width, height).T
    sheet = np.zeros((height, width), dtype=bool)
    for polygon in segmentation:
        sheet |= _filled(np.asarray(polygon, dtype=float).reshape(-1, 2), height, width)
    return sheet


def _filled(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """``bool [height, width]``: pixels whose centre lies in a polygon ``[N, 2]`` of x, y, by the
    number of its sides to the left of it."""
    inside = np.zeros((height, width), dtype=bool)
    down, across = np.arange(height) + 0.5, np.arange(width) + 0.5
    for (x, y), (to_x, to_y) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        rows = np.flatnonzero((down >= min(y, to_y)) & (down < max(y, to_y)))
        if len(rows):
            meets = x + (down[rows] - y) / (to_y - y) * (to_x - x)
            inside[rows] ^= across[None] > meets[:, None]
    return inside


def _joints_of(
    kinds: Sequence[Mapping[str, Any]],
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...], set[int]]:
    """Names and limbs of the joints, and the ids of the categories that have these joints."""
    first = next((kind for kind in kinds if kind.get("keypoints")), None)
    if first is None:
        return (), (), set()
    limbs = tuple((int(a) - 1, int(b) - 1) for a, b in first.get("skeleton") or ())
    same = {int(kind["id"]) for kind in kinds if kind.get("keypoints") == first["keypoints"]}
    return tuple(map(str, first["keypoints"])), limbs, same


def _unpacked(text: str) -> list[int]:
    """Run lengths of COCO's text: five bits a character from 48 on, the sixth says that more
    follow; from the fourth on each is the difference to the one before the last."""
    runs: list[int] = []
    value, shift = 0, 0
    for code in text.encode():
        bits = code - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value, shift = 0, 0
    return runs
