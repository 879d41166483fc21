"""The toy world as images to edit: a flat folder with a table of attributes, whose truth is exact."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from toy_world import COLORS, GROUNDS, Toy, save

from synthgen.spec.vectors import Attributes

FIELD = Attributes(
    ("color", "ground", "large", "height"),
    {"height": (0.14, 0.3)},
    {"color": tuple(sorted(COLORS)), "ground": tuple(sorted(GROUNDS))},
)


def rows_of(toy: Toy) -> np.ndarray:
    """What scenes have of :data:`FIELD`, ``float32 [N, 4]``."""
    words = [caption.split() for caption in toy.captions]
    colors = [FIELD.choices["color"].index(each[2]) for each in words]
    grounds = [FIELD.choices["ground"].index(each[-1]) for each in words]
    large, height = toy.attributes[:, 0], toy.attributes[:, 2]
    return np.stack([colors, grounds, large, height], axis=1).astype(np.float32)


def seen(images: np.ndarray, toy: Toy) -> tuple[np.ndarray, np.ndarray]:
    """Colour and ground of images ``uint8 [N, S, S, 3]``, as indices: the palette's nearest to the
    mean inside and outside of the scenes' solids."""
    palettes = [np.array([known[name] for name in sorted(known)]) for known in (COLORS, GROUNDS)]
    found = []
    for inside, palette in zip((toy.masks > 0, toy.masks == 0), palettes, strict=True):
        means = np.stack(
            [
                image[own].mean(axis=0)
                for image, own in zip(images.astype(float), inside, strict=True)
            ]
        )
        found.append(((means[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1))
    return found[0], found[1]


def write_edited(toy: Toy, folder: Path, *, lacking: int = 9) -> Path:
    """Images and ``metadata.jsonl``; every ``lacking``-th row does not know its ground."""
    lines = []
    for row, (color, ground, large, height) in enumerate(rows_of(toy).tolist()):
        save(toy.images[row], folder / f"{row:04d}.png")
        known = {
            "color": FIELD.choices["color"][int(color)],
            "ground": None if row % lacking == 0 else FIELD.choices["ground"][int(ground)],
            "large": bool(large), "height": height,
        }  # fmt: skip
        lines.append({"file_name": f"{row:04d}.png", "number": row, **known})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder
