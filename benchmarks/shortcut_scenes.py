"""Objects before textures that go with their class in training and with nothing in the test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from synthgen.data.cache import load_images
from synthgen.data.records import without_labels
from synthgen.data.sources import open_source
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.storage.whole import write_whole

SIDE = 32
"""Side of the scenes in pixels."""
SEEN = 24
"""Grey level from which on a pixel of the source is one of the object."""
EVEN = 0.25
"""Share of the photographs that textures are chosen from: those whose quarters differ least."""
COLORLESS = 0.05
"""Share of grey pixels from which on a photograph is none in colour: a hand could not cut a grey
object out of it."""
TILE = 8
"""Side of the corner of a scene that a hand takes for its background."""
GREYISH = 6
"""How far the colours of a pixel may be apart for a hand to take it for the object's."""


@dataclass(frozen=True)
class Scenes:
    """Rows; all arrays have them first."""

    images: np.ndarray
    """``uint8 [N, 32, 32, 3]``."""
    labels: np.ndarray
    """``int64 [N]``: the object's class."""
    textures: np.ndarray
    """``int64 [N]``: the background's."""
    masks: np.ndarray
    """``bool [N, 32, 32]``: where the object is, for measures alone."""

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: np.ndarray) -> Scenes:
        """Some of the rows."""
        return Scenes(
            self.images[chosen], self.labels[chosen], self.textures[chosen], self.masks[chosen]
        )


def photographs(folder: str, most: int = 1000) -> np.ndarray:
    """Photographs of a folder of images or a table, ``uint8 [N, 64, 64, 3]``.

    Raises:
        SynthgenError: there are fewer than twenty.
    """
    plain = {"data": folder, "resolution": 64, "color": "rgb", "min_per_class": 1}
    settings = without_labels(DataSettings.parse(plain))
    images = load_images(settings).images
    if len(images) < 20:
        raise SynthgenError(f"--textures {folder}: {len(images)} photographs; give 20 or more")
    return np.asarray(images[:: max(1, len(images) // most)][:most])


def patterns(count: int = 200) -> np.ndarray:
    """Waves and checks in two colours each, ``uint8 [count, 64, 64, 3]``, the same each time."""
    rng = np.random.default_rng(0)
    down, across = np.mgrid[:64, :64].astype(float)
    found = []
    for number in range(count):
        turn, length = rng.uniform(0, np.pi), rng.uniform(4, 10)
        along = 2 * np.pi * (down * np.sin(turn) + across * np.cos(turn)) / length
        athwart = 2 * np.pi * (across * np.sin(turn) - down * np.cos(turn)) / length
        wave = np.sin(along) * np.sin(athwart) if number % 2 else np.sin(along)
        low, high = rng.uniform(20, 235, (2, 3))
        share = (1 + wave[..., None]) / 2
        found.append(low + (high - low) * share + rng.normal(0, 6, (64, 64, 1)))
    return np.stack(found).clip(0, 255).astype(np.uint8)


def textures_of(photos: np.ndarray, count: int) -> np.ndarray:
    """One photograph for each class, ``uint8 [count, 64, 64, 3]``: of those in colour whose
    quarters are most alike the ones whose mean colours are farthest apart."""
    small = photos.astype(np.float32)
    half = small.shape[1] // 2
    quarters = np.stack([
        small[:, a : a + half, b : b + half].mean(axis=(1, 2)) for a in (0, half) for b in (0, half)
    ])  # fmt: skip
    uneven = quarters.std(axis=0).sum(axis=1)
    fine = np.abs(np.diff(small.mean(axis=3), axis=2)).mean(axis=(1, 2))
    spread = photos.max(axis=3).astype(int) - photos.min(axis=3)
    grey = (spread <= GREYISH).mean(axis=(1, 2)) > COLORLESS
    order = np.argsort(uneven / (fine + 1) + 1e6 * grey)
    kept = order[: max(count, int(EVEN * len(order)))]
    colors = small[kept].mean(axis=(1, 2))
    chosen = [0]
    while len(chosen) < count:
        gaps = np.linalg.norm(colors[:, None] - colors[chosen][None], axis=2).min(axis=1)
        gaps[chosen] = -1
        chosen.append(int(gaps.argmax()))
    return photos[kept[chosen]]


def scenes_of(
    objects: np.ndarray, labels: np.ndarray, textures: np.ndarray, shown: np.ndarray, seed: int
) -> Scenes:
    """Objects ``uint8 [N, h, w]`` in the middle of crops of the textures ``shown int64 [N]``, a
    function of the seed."""
    rng = np.random.default_rng(seed)
    count, height, width = objects.shape
    down, across = (SIDE - height) // 2, (SIDE - width) // 2
    high = textures.shape[1] - SIDE + 1
    images = np.empty((count, SIDE, SIDE, 3), dtype=np.uint8)
    masks = np.zeros((count, SIDE, SIDE), dtype=bool)
    corners, turns = rng.integers(0, high, (count, 2)), rng.integers(0, 8, count)
    for row in range(count):
        top, left = corners[row]
        crop = textures[shown[row]][top : top + SIDE, left : left + SIDE]
        crop = np.rot90(crop, turns[row] % 4)
        images[row] = crop[:, ::-1] if turns[row] > 3 else crop
        own = masks[row, down : down + height, across : across + width]
        own[:] = objects[row] >= SEEN
        inner = images[row, down : down + height, across : across + width]
        inner[own] = objects[row][own][:, None]
    return Scenes(images, labels.astype(np.int64), shown.astype(np.int64), masks)


def confounded(labels: np.ndarray, classes: int, together: float, seed: int) -> np.ndarray:
    """Textures ``int64 [N]``: the label's own for the share ``together`` of the rows, else any
    other."""
    rng = np.random.default_rng(seed)
    others = (labels + rng.integers(1, classes, len(labels))) % classes
    return np.where(rng.random(len(labels)) < together, labels, others).astype(np.int64)


def grey_objects(data: str, split: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:  # fmt: skip  # noqa: E501
    """Objects ``uint8 [N, 28, 28]``, bright on black, their labels and the classes' names: so many
    rows of a split, chosen by the seed."""
    settings = DataSettings.parse({"data": data, "resolution": 28, "color": "grey"})
    source = open_source(settings, split)
    found = load_images(settings, source=source)
    rows = np.sort(np.random.default_rng(seed).permutation(len(found.labels))[:count])
    return np.asarray(found.images[rows])[..., 0], found.labels[rows], found.classes


def write_table(scenes: Scenes, classes: Sequence[str], folder: Path) -> Path:
    """A folder with one Parquet file of images, labels and backgrounds, that loads as a table; a
    complete one is left as it is."""
    import datasets

    done = folder / "complete.json"
    if done.exists():
        return folder
    names = datasets.ClassLabel(names=list(classes))
    features = datasets.Features(
        {"image": datasets.Image(), "label": names, "background": names}
    )  # fmt: skip
    columns = {
        "image": [Image.fromarray(image) for image in scenes.images],
        "label": scenes.labels.tolist(),
        "background": scenes.textures.tolist(),
    }
    (folder / "data").mkdir(parents=True, exist_ok=True)
    table = datasets.Dataset.from_dict(columns, features=features)
    table.to_parquet(str(folder / "data" / "train-00000-of-00001.parquet"))
    write_whole(done, json.dumps({"rows": len(scenes)}))
    return folder


def by_hand(scenes: Scenes, seed: int) -> np.ndarray:
    """What a hand makes of the scenes without a generator, ``uint8 [N, 32, 32, 3]``: grey pixels
    are cut out as the object, and put before the tiled corner of another scene."""
    rng = np.random.default_rng(seed)
    spread = scenes.images.max(axis=3).astype(int) - scenes.images.min(axis=3)
    cut = spread <= GREYISH
    others = rng.permutation(len(scenes))
    times = -(-SIDE // TILE)
    made = np.empty_like(scenes.images)
    for row, other in enumerate(others.tolist()):
        corner = scenes.images[other][:TILE, :TILE]
        across = np.concatenate([corner[:, :: 1 - 2 * (k % 2)] for k in range(times)], axis=1)
        tiled = np.concatenate([across[:: 1 - 2 * (k % 2)] for k in range(times)], axis=0)
        made[row] = np.where(cut[row][..., None], scenes.images[row], tiled[:SIDE, :SIDE])
    return made
