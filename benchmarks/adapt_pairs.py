"""Pairs of a labelled set and a place without labels, for ``python -m benchmarks adapt``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measuring import data_of
from synthgen.data.cache import load_images
from synthgen.data.splits import Labelled
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.adapt.rows import Labels, write_rows

PAIRS = ("digits-mnist", "mnist-patches")
CLASSES = tuple(str(digit) for digit in range(10))
NEEDS = "labelled images of MNIST with a test split"
COPIES = 4
"""Backgrounds that each image is shown on by the baseline of random backgrounds."""


@dataclass(frozen=True)
class Pair:
    """The images of one seed: ``uint8 [N, H, W, C]`` and labels. The pool's labels are for the
    classifier that is trained on the target alone."""

    source: Labelled
    pool: Labelled
    test: Labelled

    def write(self, folder: Path) -> None:
        """The three as dataset folders ``source``, ``target`` (without labels) and ``test``."""
        write_rows(folder / "source", self.source.images, Labels(self.source.labels, CLASSES))
        bare = Labels(np.zeros_like(self.pool.labels), ("all",))
        write_rows(folder / "target", self.pool.images, bare)
        write_rows(folder / "test", self.test.images, Labels(self.test.labels, CLASSES))


def make_pair(arguments: argparse.Namespace, seed: int) -> Pair:
    """The pair that is asked for.

    Raises:
        SynthgenError: its images are not there.
    """
    if arguments.tiny:
        return _tiny(arguments.pair, seed)
    generator = np.random.default_rng([seed, 1])
    train, test = (_mnist(arguments, split) for split in ("train", "test"))
    order = generator.permutation(len(train.labels))
    pool = _take(train, order[: arguments.pool])
    if arguments.pair == "digits-mnist":
        return Pair(_digits(), pool, test)
    source = _take(train, order[arguments.pool : 2 * arguments.pool])
    photos = _photographs(arguments.photos)
    held = max(1, len(photos) // 5)
    textures = photos[held:] or photos
    return Pair(
        source, on_patches(pool, textures, generator), on_patches(test, photos[:held], generator)
    )


def _digits() -> Labelled:
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pixels = np.clip(loaded.images * 16, 0, 255).astype(np.uint8)[..., None]
    return Labelled(pixels, loaded.target.astype(np.int64))


def _tiny(pair: str, seed: int) -> Pair:
    """Digits of 8 px in place of MNIST, to rehearse with."""
    digits = _digits()
    order = np.random.default_rng([seed, 2]).permutation(len(digits.labels))
    source, pool, test = (
        _take(digits, order[at : at + 500]) for at in range(0, 1500, 500)
    )  # fmt: skip
    if pair == "mnist-patches":
        generator, photos = np.random.default_rng(seed), _photographs("")
        return Pair(
            source, on_patches(pool, photos, generator), on_patches(test, photos, generator)
        )
    return Pair(source, _framed(pool), _framed(test))


def _framed(images: Labelled) -> Labelled:
    """Bright on dark turned about, in the middle of a larger square."""
    pad = ((0, 0), (4, 4), (4, 4), (0, 0))
    return Labelled(255 - np.pad(images.images, pad), images.labels)


def on_patches(
    digits: Labelled, photos: list[np.ndarray], generator: np.random.Generator
) -> Labelled:
    """Each digit as the difference of its pixels and those of a random patch of a photograph:
    the recipe of MNIST-M (Ganin et al. 2016, arXiv:1505.07818, section 5.2.3). ``photos`` are
    ``uint8 [H, W, 3]``."""
    side = digits.images.shape[1]
    made = np.empty((len(digits.labels), side, side, 3), np.uint8)
    for row, digit in enumerate(digits.images):
        photo = photos[int(generator.integers(len(photos)))]
        top = int(generator.integers(photo.shape[0] - side + 1))
        left = int(generator.integers(photo.shape[1] - side + 1))
        patch = photo[top : top + side, left : left + side].astype(np.int16)
        made[row] = np.abs(patch - digit.astype(np.int16))
    return Labelled(made, digits.labels)


def on_random_backgrounds(images: Labelled, seed: int) -> Labelled:
    """Each image four times, what stands out from its dark background in a random colour on a
    random smooth texture: augmentation that knows nothing of the target."""
    generator = np.random.default_rng([seed, 3])
    count, height, width, channels = images.images.shape
    made = np.empty((COPIES, count, height, width, channels), np.uint8)
    for copy in range(COPIES):
        for row, image in enumerate(images.images):
            content = image.astype(np.float32).max(axis=2, keepdims=True) / 255
            cells = int(generator.integers(1, 8))
            coarse = generator.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
            texture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            ground = np.asarray(texture, np.float32)[:, :, :channels]
            color = generator.integers(0, 256, channels)
            made[copy, row] = content * color + (1 - content) * ground
    labels = np.tile(images.labels, COPIES)
    return Labelled(made.reshape(-1, height, width, channels), labels)


def _mnist(arguments: argparse.Namespace, split: str) -> Labelled:
    asked = {"data": data_of(arguments, NEEDS), "resolution": 28, "color": "grey"}
    found = load_images(DataSettings.parse(asked), split)
    return Labelled(np.asarray(found.images), found.labels)


def _photographs(folder: str) -> list[np.ndarray]:
    """Photographs ``uint8 [H, W, 3]`` of a folder that ``synthgen train`` would read, or
    scikit-learn's two.

    Raises:
        SynthgenError: they cannot be read, or are smaller than a digit.
    """
    if not folder:
        from sklearn.datasets import load_sample_images

        return list(load_sample_images().images)
    asked = DataSettings.parse({"data": folder, "color": "rgb", "min_per_class": 1})
    images = load_images(asked).images
    if images.shape[1] < 32:
        raise SynthgenError(f"{folder}: photographs for patches are of 32 px or more")
    return list(images)


def _take(images: Labelled, rows: np.ndarray) -> Labelled:
    return Labelled(images.images[rows], images.labels[rows])
