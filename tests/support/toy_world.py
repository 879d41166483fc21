"""A small world whose every fact is known: one coloured solid before a background, from a seed.

Each scene has a solid (box, ball, pyramid) that is seen from the front as a square, a disc or a
triangle. Its label, attributes, caption, mask, keypoints, views and voxels are computed from the
same few numbers as its image, so that they agree by construction. ``twin`` is the same scene in
another look (by night): a pair for translation. The world writes itself in the forms in which
people have their data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SHAPES = ("square", "disc", "triangle")
"""Classes, and classes 1 to 3 of the mask; its class 0 is the background."""
MASK_NAMES = ("background", *SHAPES)
COLORS = {
    "red": (210, 60, 50),
    "green": (60, 170, 80),
    "blue": (60, 90, 210),
    "yellow": (225, 200, 60),
}
GROUNDS = {"sand": (205, 190, 150), "sea": (120, 170, 190), "stone": (150, 150, 155)}
JOINTS = ("top", "left", "right", "bottom left", "bottom right")
PAIRS = ((1, 2), (3, 4))
LIMBS = ((0, 1), (0, 2), (1, 3), (2, 4))
ATTRIBUTES = ("large", "warm", "height")
"""Large and warm are yes or no; the height is a number, half of the solid's, as a share of the side."""
VIEWS = 4
NIGHT = np.array([[0.1, 0.2, 0.1], [0.1, 0.1, 0.3], [0.2, 0.1, 0.5]])
"""Colours of the other look: of each channel so much red, green and blue."""


@dataclass(frozen=True)
class Toy:
    """Scenes; all arrays have their rows first."""

    images: np.ndarray  # uint8 [N, S, S, 3]
    twins: np.ndarray  # uint8 [N, S, S, 3]
    labels: np.ndarray  # int64 [N], into SHAPES
    attributes: np.ndarray  # float32 [N, 3], by ATTRIBUTES
    captions: tuple[str, ...]
    masks: np.ndarray  # uint8 [N, S, S], into MASK_NAMES
    keypoints: np.ndarray  # float32 [N, 5, 3]: x, y in pixels, seen
    views: np.ndarray  # uint8 [N, VIEWS, S, S, 3]: turned by quarters, in the middle of the picture
    voxels: np.ndarray  # uint8 [N, S / 2, S / 2, S / 2]: depth, row, column

    def __len__(self) -> int:
        return len(self.labels)


def within(
    shape: str, across: np.ndarray, down: np.ndarray, deep: np.ndarray | float
) -> np.ndarray:
    """Whether places are inside of a solid, in units of its half sizes from its middle."""
    if shape == "disc":
        return across**2 + down**2 + np.asarray(deep) ** 2 <= 1
    flank = 1.0 if shape == "square" else (down + 1) / 2
    return (abs(across) <= flank) & (abs(down) <= 1) & (abs(np.asarray(deep)) <= flank)


def _flat(
    shape: str, side: int, middle: tuple[float, float], half: tuple[float, float]
) -> np.ndarray:
    """What is seen of a solid, ``bool [S, S]``: ``middle`` and ``half`` are (x, y) in pixels."""
    down, across = np.mgrid[:side, :side].astype(float)
    return within(shape, (across - middle[0]) / half[0], (down - middle[1]) / half[1], 0.0)


def _joints(shape: str, x: float, y: float, wide: float, high: float) -> np.ndarray:
    low = wide * (0.6 if shape == "disc" else 1.0)
    waist = wide / 2 if shape == "triangle" else wide
    foot = y + high * (0.8 if shape == "disc" else 1.0)
    places = [(x, y - high), (x - waist, y), (x + waist, y), (x - low, foot), (x + low, foot)]
    return np.array([(*place, 1.0) for place in places], dtype=np.float32)


def toy_world(count: int, side: int = 32, seed: int = 0) -> Toy:
    """``count`` scenes of ``side`` px; a scene depends on the seed and its own number alone."""
    parts: dict[str, list] = {name: [] for name in Toy.__dataclass_fields__}
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        shape = SHAPES[number % len(SHAPES)]
        color, ground = (list(names)[rng.integers(len(names))] for names in (COLORS, GROUNDS))
        wide, high, thick = rng.uniform(0.14, 0.3, 3) * side
        x, y = (rng.uniform(half + 1, side - 2 - half) for half in (wide, high))
        seen = _flat(shape, side, (x, y), (wide, high))
        paint = np.array(COLORS[color], dtype=float)
        slope = np.linspace(-12, 12, side)[:, None, None]  # the ground is lighter further down
        image = np.where(seen[..., None], paint, np.array(GROUNDS[ground]) + slope)
        half = side / 2 - 0.5
        turned = [
            _flat(shape, side, (half, half), (wide if turn % 2 == 0 else thick, high))
            for turn in range(VIEWS)
        ]
        grid = np.arange(side // 2) * 2 + 0.5 - half  # every second pixel's place
        deep, down, across = np.meshgrid(grid, grid, grid, indexing="ij")
        parts["images"].append(image)
        parts["twins"].append(image @ NIGHT.T)
        parts["labels"].append(SHAPES.index(shape))
        warm = color in ("red", "yellow")
        parts["attributes"].append([high * wide > (0.22 * side) ** 2, warm, high / side])
        size = "large" if parts["attributes"][-1][0] else "small"
        parts["captions"].append(f"a {size} {color} {shape} on {ground}")
        parts["masks"].append(seen * (1 + SHAPES.index(shape)))
        parts["keypoints"].append(_joints(shape, x, y, wide, high))
        parts["views"].append([np.where(t[..., None], paint, 0.0) for t in turned])
        parts["voxels"].append(within(shape, across / wide, down / high, deep / thick))
    types = {"labels": np.int64, "attributes": np.float32, "keypoints": np.float32}
    captions = tuple(parts.pop("captions"))
    arrays = {
        name: np.array(value).astype(types.get(name, np.uint8)) for name, value in parts.items()
    }
    return Toy(captions=captions, **arrays)


def save(pixels: np.ndarray, path: Path) -> None:
    """One picture as a file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def save_mask(mask: np.ndarray, path: Path, *, palette: bool = True) -> None:
    """A mask as an index image, with a palette or grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(mask, mode="P" if palette else "L")
    if palette:
        picture.putpalette([0, 0, 0, 200, 40, 40, 40, 200, 40, 40, 40, 200])
    picture.save(path)


def write_metadata(toy: Toy, folder: Path) -> Path:
    """A folder with ``metadata.jsonl``: a row an image, further images in ``*_file_name``."""
    lines = []
    for row in range(len(toy)):
        save(toy.images[row], folder / f"{row:04d}.png")
        save(toy.twins[row], folder / "night" / f"{row:04d}.png")
        save_mask(toy.masks[row], folder / "masks" / f"{row:04d}.png")
        large, warm, height = toy.attributes[row].tolist()
        lines.append({
            "file_name": f"{row:04d}.png",
            "label": SHAPES[toy.labels[row]],
            "caption": toy.captions[row],
            "attributes": {"large": int(large), "warm": int(warm), "height": height},
            "keypoints": toy.keypoints[row].tolist(),
            "source_file_name": f"night/{row:04d}.png",
            "mask_file_name": f"masks/{row:04d}.png",
        })  # fmt: skip
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    write_names(folder)
    return folder


def write_names(folder: Path) -> None:
    """``classes.json``: the mask's names by value."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "classes.json").write_text(json.dumps(list(MASK_NAMES)))


def write_masks(toy: Toy, folder: Path, *, classes: bool = False) -> Path:
    """``images/`` and ``masks/`` with equal stems and ``classes.json``; with ``classes`` in
    sub-folders named for each row's class."""
    for row in range(len(toy)):
        name = f"{SHAPES[toy.labels[row]]}/{row:04d}.png" if classes else f"{row:04d}.png"
        save(toy.images[row], folder / "images" / name)
        save_mask(toy.masks[row], folder / "masks" / name, palette=row % 2 == 0)
    write_names(folder)
    return folder


def write_pairs(toy: Toy, folder: Path, *, classes: bool = False) -> Path:
    """``A/`` with the scenes by night and ``B/`` with the same by day, equal stems."""
    for row in range(len(toy)):
        name = f"{SHAPES[toy.labels[row]]}/{row:04d}.png" if classes else f"{row:04d}.png"
        save(toy.twins[row], folder / "A" / name)
        save(toy.images[row], folder / "B" / name)
    return folder


def write_unpaired(toy: Toy, folder: Path, *, classes: bool = False) -> Path:
    """``trainA/`` with the even scenes by night and ``trainB/`` with the odd ones by day."""
    for row in range(len(toy)):
        kind = f"{SHAPES[toy.labels[row]]}/" if classes else ""
        name, pixels = ("trainB", toy.images) if row % 2 else ("trainA", toy.twins)
        save(pixels[row], folder / name / f"{kind}{row:04d}.png")
    return folder


def write_side_by_side(toy: Toy, folder: Path) -> Path:
    """One file a pair: by night on the left, by day on the right."""
    for row in range(len(toy)):
        both = np.concatenate([toy.twins[row], toy.images[row]], axis=1)
        save(both, folder / f"{row:04d}.png")
    return folder


def write_photos(toy: Toy, folder: Path, *, classes: bool = False) -> Path:
    """The images alone, loose or in class folders."""
    for row in range(len(toy)):
        kind = f"{SHAPES[toy.labels[row]]}/" if classes else ""
        save(toy.images[row], folder / f"{kind}{row:04d}.png")
    return folder


def runs(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed run lengths of a ``bool [H, W]``, column by column from a run of no."""
    flat = mask.T.reshape(-1).astype(np.int8)
    edges = np.flatnonzero(np.diff(flat)) + 1
    ends = [0, *([0] if flat[0] else []), *edges.tolist(), len(flat)]
    return np.diff(ends).tolist()


def write_coco(toy: Toy, folder: Path) -> Path:
    """``images/`` and ``annotations.json``: segmentations as run lengths, and keypoints."""
    records, marks = [], []
    side = toy.images.shape[1]
    for row in range(len(toy)):
        save(toy.images[row], folder / "images" / f"{row:04d}.png")
        records.append({"id": row, "file_name": f"{row:04d}.png", "height": side, "width": side})
        inside = toy.masks[row] > 0
        down, across = np.nonzero(inside)
        low, left = int(down.min()), int(across.min())
        marks.append({
            "id": row, "image_id": row, "category_id": int(toy.labels[row]) + 1, "iscrowd": 0,
            "segmentation": {"counts": runs(inside), "size": [side, side]},
            "area": int(inside.sum()),
            "bbox": [left, low, int(across.max()) - left + 1, int(down.max()) - low + 1],
            "keypoints": [v for x, y, _ in toy.keypoints[row].tolist() for v in (x, y, 2)],
            "num_keypoints": len(JOINTS),
        })  # fmt: skip
    kinds = [
        {"id": k + 1, "name": name, "keypoints": list(JOINTS),
         "skeleton": [[a + 1, b + 1] for a, b in LIMBS]}
        for k, name in enumerate(SHAPES)
    ]  # fmt: skip
    record = {"images": records, "annotations": marks, "categories": kinds}
    (folder / "annotations.json").write_text(json.dumps(record))
    return folder
