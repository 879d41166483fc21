"""A finished dataset as COCO's annotations (Lin et al. 2014, arXiv:1405.0312) beside image files.

``SPLIT/NUMBER.png`` are the images, ``annotations/SPLIT.json`` what is said of them: of a mask a
thing for each connected region of a class, of joints one thing an image. Regions are run lengths,
which say every pixel exactly; polygons would not. Everything else that a row says (label, scores,
provenance, columns that travelled along) is its image's ``columns``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from synthgen.data.coco import BACKGROUND
from synthgen.dataset.codecs.registry import codec_of
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest
from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.fields import Field
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Keypoints, Mask
from synthgen.stages.finished.exported import ExportedRow, exported_rows
from synthgen.stages.finished.growing import put
from synthgen.storage.whole import written_whole

VISIBLE = 2
"""COCO's word for a joint that is seen; 0 is for one that is not told."""


@dataclass(frozen=True)
class Places:
    """The columns of a dataset that say where something is; one of them is there."""

    mask: tuple[str, Mask] | None
    joints: tuple[str, Keypoints] | None

    @property
    def shift(self) -> int:
        """A category's id less the value of its class in the mask: categories count from 1."""
        return 0 if self.mask is None or self.mask[1].names[0] == BACKGROUND else 1

    @property
    def of_joints(self) -> int:
        """The id of the joints' category, which comes last."""
        return 1 if self.mask is None else len(self.mask[1].names) + self.shift

    def categories(self) -> list[dict[str, Any]]:
        """Classes of the mask but for ``background``, and the thing that has the joints."""
        found: list[dict[str, Any]] = []
        if self.mask is not None:
            column, mask = self.mask
            found += [
                {"id": value + self.shift, "name": name, "supercategory": column}
                for value, name in enumerate(mask.names)
                if value + self.shift
            ]
        if self.joints is not None:
            column, joints = self.joints
            limbs = [[a + 1, b + 1] for a, b in joints.skeleton]
            found.append({
                "id": self.of_joints, "name": column, "supercategory": column,
                "keypoints": list(joints.names), "skeleton": limbs,
            })  # fmt: skip
        return found


def places_of(manifest: Manifest) -> Places:
    """The mask and the joints of a dataset.

    Raises:
        SynthgenError: it has neither, several of a kind, or one of another size than its images.
    """
    fields = manifest.columns.fields
    masks = [(name, each) for name, each in fields.items() if isinstance(each, Mask)]
    joints = [(name, each) for name, each in fields.items() if isinstance(each, Keypoints)]
    if not masks and not joints:
        raise SynthgenError(
            "COCO's annotations say where things are, and this dataset has neither a mask nor "
            "keypoints; export it with --format imagefolder or webdataset"
        )
    for several in (masks, joints):
        if len(several) > 1:
            raise SynthgenError(
                f"columns {name_list([name for name, _ in several])}: COCO's annotations hold one "
                "mask and one set of joints an image; export with --format imagefolder"
            )
    image = manifest.generator.image
    sized: list[tuple[str, Mask | Keypoints]] = [*masks, *joints]
    for name, each in sized:
        if (each.height, each.width) != (image.height, image.width):
            raise SynthgenError(
                f"column '{name}' has {each.width}x{each.height} pixels, its images "
                f"{image.width}x{image.height}: COCO's annotations are places in the image"
            )
    return Places(masks[0] if masks else None, joints[0] if joints else None)


def write_coco(
    layout: Layout, manifest: Manifest, staging: Path, ending: str, progress: Progress
) -> None:
    """Write images and annotations of all splits into ``staging``."""
    places, image = places_of(manifest), manifest.generator.image
    with ExitStack() as files:
        splits = {
            split: _Split.begun(files, staging / "annotations" / f"{split}.json")
            for split in manifest.plan.splits
        }
        for _, rows in exported_rows(layout, manifest, progress):
            for row in rows:
                name = f"{row.number:08d}"
                put(staging / row.split / f"{name}.{ending}", row.encoded)
                said = {"label": manifest.plan.classes[row.label], **row.others}
                for kind, content in row.files.items():
                    column = kind.rpartition(".")[0]
                    if places.mask is None or column != places.mask[0]:
                        put(staging / row.split / f"{name}.{kind}", content)
                        said[f"{column}_file_name"] = f"{name}.{kind}"
                if places.joints is not None:
                    said.pop(places.joints[0])
                splits[row.split].add(row, f"{name}.{ending}", image, said, places)
        for split in splits.values():
            split.end(places)


@dataclass
class _Split:
    """A file of annotations that is being written: these as they come, the images at its end."""

    file: TextIO
    images: list[str] = field(default_factory=list)
    things: int = 0

    @staticmethod
    def begun(files: ExitStack, path: Path) -> _Split:
        beside = files.enter_context(written_whole(path))
        file = files.enter_context(beside.open("w", encoding="utf-8"))
        file.write('{"annotations": [')
        return _Split(file)

    def add(
        self, row: ExportedRow, name: str, image: ImageSpec, said: dict[str, Any], places: Places
    ) -> None:
        """An image and its things."""
        number = row.number + 1  # readers take 0 for none
        size = {"width": image.width, "height": image.height}
        self.images.append(json.dumps({"id": number, "file_name": name, **size, "columns": said}))
        for thing in _things(row, places):
            lead = ",\n" if self.things else "\n"
            self.things += 1
            record = {"id": self.things, "image_id": number, "iscrowd": 0, **thing}
            self.file.write(lead + json.dumps(record))

    def end(self, places: Places) -> None:
        """The images, and what the categories are."""
        images, kinds = ",\n".join(self.images), json.dumps(places.categories())
        self.file.write(
            f'\n],\n"images": [\n{images}\n],\n"categories": {kinds},\n"licenses": [],\n'
            '"info": {"description": "Synthetic images, made by synthgen"}}\n'
        )
        self.file.flush()


def _things(row: ExportedRow, places: Places) -> Iterator[dict[str, Any]]:
    if places.mask is not None:
        column, mask = places.mask
        file = next(content for kind, content in row.files.items() if kind == f"{column}.png")
        indices = _stored(mask, {"bytes": file})
        for value, region in regions(indices):
            if value + places.shift:
                yield {"category_id": value + places.shift, **_drawn(region)}
    if places.joints is not None:
        column, _ = places.joints
        seen = np.asarray(row.others[column], dtype=np.float32)
        if seen[:, 2].any():
            yield {"category_id": places.of_joints, **_jointed(seen)}


def _stored(kind: Field, cell: Any) -> np.ndarray:
    rows: np.ndarray = codec_of(kind).decode([cell])[0]
    return rows


def regions(mask: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The connected regions of ``uint8 [H, W]``: the value and ``bool [H, W]`` of each, by the
    place of its first pixel. Pixels that touch at a corner are connected.

    Runs of equal pixels in a row are joined with those below by giving both the smaller number,
    until none changes.
    """
    height, width = mask.shape
    starts = np.ones((height, width), dtype=bool)
    starts[:, 1:] = mask[:, 1:] != mask[:, :-1]
    run = starts.reshape(-1).cumsum().reshape(height, width) - 1
    joined = []
    for step in (-1, 0, 1):
        above = slice(max(0, -step), width - max(0, step))
        below = slice(max(0, step), width - max(0, -step))
        same = mask[:-1, above] == mask[1:, below]
        joined.append(np.stack([run[:-1, above][same], run[1:, below][same]]))
    one, other = np.unique(np.concatenate(joined, axis=1), axis=1)
    number = np.arange(int(run[-1, -1]) + 1)
    while (number[one] != number[other]).any():
        smaller = np.minimum(number[one], number[other])
        for side in (one, other):
            np.minimum.at(number, number[side], smaller)
        number = number[number]
    region = number[run]
    for first in np.unique(number):
        inside = region == first
        yield int(mask[inside][0]), inside


def run_lengths(inside: np.ndarray) -> list[int]:
    """COCO's run lengths of ``bool [H, W]``, column by column, of no and yes in turn."""
    flat = inside.T.reshape(-1)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = [0, *([0] if flat[0] else []), *edges.tolist(), flat.size]
    lengths: list[int] = np.diff(ends).tolist()
    return lengths


def _drawn(inside: np.ndarray) -> dict[str, Any]:
    """Segmentation, area and box (left, top, width, height) of ``bool [H, W]``."""
    down, across = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    left, top = int(across[0]), int(down[0])
    return {
        "segmentation": {"size": list(inside.shape), "counts": run_lengths(inside)},
        "area": int(inside.sum()),
        "bbox": [left, top, int(across[-1]) - left + 1, int(down[-1]) - top + 1],
    }


def _jointed(joints: np.ndarray) -> dict[str, Any]:
    """Joints ``float32 [J, 3]`` and the box around those that are seen, which is the area, too: no
    outline is known."""
    seen = joints[:, 2] > 0
    low, high = joints[seen, :2].min(axis=0), joints[seen, :2].max(axis=0)
    wide, tall = (high - low + 1).tolist()
    numbers = np.where(seen[:, None], joints, 0).astype(float)
    numbers[:, 2] *= VISIBLE
    return {
        "keypoints": numbers.reshape(-1).tolist(),
        "num_keypoints": int(seen.sum()),
        "bbox": [*low.astype(float).tolist(), wide, tall],
        "area": wide * tall,
    }
