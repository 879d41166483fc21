"""Real images decoded once, into a memory-mapped file that every later run opens in no time.

A cache folder holds ``images.npy`` (uint8 [N, H, W, C]), ``labels.npy`` (int64 [N]), ``rows.npy``
(int64 [N], each image's row in its source), ``sizes.npy`` (int32 [N, 2], height and width before
they were brought to one size) and ``data.json``. It is named for what decides its contents: the
source and the decoding settings.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthgen.data.build import FORM, Seen, build_cache
from synthgen.data.class_names import in_one_spelling
from synthgen.data.sources import Source, open_source
from synthgen.data.splits import few_per_class
from synthgen.data.understood import Understood
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.storage.cache import cache_root

DECIDE_NOTHING = {"cache_dir", "data", "split", "min_per_class", "mask_names"}
"""Settings that do not change what is in a cache, or are in its key in another form."""


@dataclass(frozen=True)
class ImageData:
    """Labelled images in memory-mapped form."""

    images: np.ndarray
    """``uint8 [N, H, W, C]``, read-only."""
    labels: np.ndarray
    """``int64 [N]``; label k means ``classes[k]``."""
    classes: tuple[str, ...]
    name: str
    """A short name of the source: a folder's own name or a hub id, never a path."""
    fingerprint: str
    """SHA-256 (hex) over labels, encoded images and decoding settings."""
    skipped: tuple[str, ...]
    """One line for each bad image that was passed over."""
    rows: np.ndarray
    """``int64 [N]``: the source's row of each image, for the values of its other columns."""
    sizes: np.ndarray
    """``int32 [N, 2]``: height and width of each image in its file."""
    seen: Seen
    """What kinds of pixels there were, and how they were scaled."""
    understood: Understood
    """How the source was read."""

    @property
    def image(self) -> ImageSpec:
        _, height, width, channels = self.images.shape
        return ImageSpec(height, width, channels)

    def lines(self) -> list[str]:
        """How the data was read, for a terminal: structure, what was left out, scaling."""
        return [*self.understood.lines(), *self.seen.scaling]


def load_images(
    settings: DataSettings, split: str | None = None, source: Source | None = None
) -> ImageData:
    """Open the cache of what ``settings`` name, decoding first if need be.

    ``source`` is where the images come from, if that is open already.

    Raises:
        SynthgenError: the source, its labels or one of its images cannot be used.
    """
    split = split or settings.split
    source = source or open_source(settings, split)
    classes, rows, labels = choose_rows(source, settings)
    folder = _folder(source, settings, split)
    if not (folder / "data.json").exists():
        build_cache(folder, source, settings, classes, rows, labels)
    data = _open(folder, source)
    _check_sizes(source.name, data.classes, data.labels, settings.min_per_class)
    return data


def is_decoded(settings: DataSettings, source: Source) -> bool:
    """Whether :func:`load_images` would find the images of the source decoded."""
    return (_folder(source, settings, settings.split) / "data.json").exists()


def _folder(source: Source, settings: DataSettings, split: str) -> Path:
    return cache_root(settings.cache_dir) / "images" / _key(source, settings, split)


def choose_rows(
    source: Source, settings: DataSettings
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Classes, rows and labels of the wanted subset, each class checked for its size."""
    if settings.classes is None:
        classes, rows, labels = source.classes, np.arange(len(source.labels)), source.labels
    else:
        classes = tuple(in_one_spelling(name) for name in settings.classes)
        wanted = Label(source.classes).indices(classes, f"'{source.name}'")
        place = np.full(len(source.classes), -1)
        place[list(wanted)] = np.arange(len(wanted))
        rows = np.flatnonzero(place[source.labels] >= 0)
        labels = place[source.labels[rows]]
    _check_sizes(source.name, classes, labels, settings.min_per_class)
    if settings.limit_per_class is not None:
        few = few_per_class(labels, settings.limit_per_class, settings.limit_seed)
        rows, labels = rows[few], labels[few]
    return classes, rows, labels.astype(np.int64)


def _check_sizes(name: str, classes: tuple[str, ...], labels: np.ndarray, least: int) -> None:
    counts = np.bincount(labels, minlength=len(classes))
    for label, count in enumerate(counts):
        if count < least:
            raise SynthgenError(
                f"{name}: class '{classes[label]}' has {count} images, fewer than {least}; "
                "add images, leave the class out with --classes, or lower --min-per-class"
            )


def _key(source: Source, settings: DataSettings, split: str) -> str:
    wanted = settings.model_dump(mode="json", exclude=DECIDE_NOTHING)
    own = {name: wanted[name] for name in DataSettings.model_fields if name in wanted}
    if settings.limit_per_class is None:
        own = {name: value for name, value in own.items() if not name.startswith("limit_")}
    text = json.dumps([FORM, source.quick_key(), split, own], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _open(folder: Path, source: Source) -> ImageData:
    try:
        record = json.loads((folder / "data.json").read_text(encoding="utf-8"))
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels, rows, sizes = (
            np.load(folder / f"{name}.npy", allow_pickle=False)
            for name in ("labels", "rows", "sizes")
        )
        seen = Seen.from_json(record["seen"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SynthgenError(
            f"{folder}: this image cache is damaged ({error}); delete the folder and run again"
        ) from None
    return ImageData(
        images[: record["count"]],
        labels,
        tuple(record["classes"]),
        source.name,
        record["fingerprint"],
        tuple(record["skipped"]),
        rows,
        sizes,
        seen,
        source.understood,
    )
