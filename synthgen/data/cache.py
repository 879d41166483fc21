"""Real images decoded once, into a memory-mapped file that every later run opens in no time.

A cache folder holds ``images.npy`` (uint8 [N, H, W, C]), ``labels.npy`` (int64 [N]) and
``data.json``. It is named for what decides its contents: the source and the decoding settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.decode import BadImage, Decoding, decode, is_grey, open_image
from synthgen.data.sources import Source, open_source
from synthgen.data.splits import few_per_class
from synthgen.machine.progress import over
from synthgen.spec.condition import ClassCondition
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.storage.cache import cache_root

VERSION = 1
"""Raised when decoding changes: caches of an older version are not opened."""

CHUNK = 128
"""Encoded images in memory at once."""


DECIDE_NOTHING = {"cache_dir", "data", "split", "min_per_class"}
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

    @property
    def image(self) -> ImageSpec:
        _, height, width, channels = self.images.shape
        return ImageSpec(height, width, channels)


def load_images(settings: DataSettings, split: str | None = None) -> ImageData:
    """Open the cache of what ``settings`` name, decoding first if need be.

    Raises:
        SynthgenError: the source, its labels or one of its images cannot be used.
    """
    split = split or settings.split
    source = open_source(settings, split)
    classes, rows, labels = choose_rows(source, settings)
    key = _key(source, settings, split)
    folder = cache_root(settings.cache_dir) / "images" / key
    if not (folder / "data.json").exists():
        _build(folder, source, settings, classes, rows, labels)
    data = _open(folder, source.name)
    _check_sizes(source.name, data.classes, data.labels, settings.min_per_class)
    return data


def choose_rows(
    source: Source, settings: DataSettings
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Classes, rows and labels of the wanted subset, each class checked for its size."""
    for name in source.classes:
        if not name.strip() or "/" in name or "\\" in name or "\0" in name:
            raise SynthgenError(f"{source.name}: {name!r} cannot be a class name; rename the class")
    if settings.classes is None:
        classes, rows, labels = source.classes, np.arange(len(source.labels)), source.labels
    else:
        classes = settings.classes
        wanted = ClassCondition(source.classes).indices(classes, f"'{source.name}'")
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
    text = json.dumps([VERSION, source.quick_key(), split, own], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _build(
    folder: Path,
    source: Source,
    settings: DataSettings,
    classes: tuple[str, ...],
    rows: np.ndarray,
    labels: np.ndarray,
) -> None:
    how = _decoding(source, settings, rows)
    staging = folder.with_name(f".{folder.name}-{os.getpid()}")
    shape = (len(rows), how.side, how.side, how.channels)
    try:
        staging.mkdir(parents=True, exist_ok=True)
        pixels = np.lib.format.open_memmap(
            staging / "images.npy", mode="w+", dtype=np.uint8, shape=shape
        )
        with (staging / "images.npy").open("r+b") as file:
            # A mapped file without its blocks would end the process when the disk runs full.
            os.posix_fallocate(file.fileno(), 0, (staging / "images.npy").stat().st_size)
        digest = hashlib.sha256(json.dumps([VERSION, *shape[1:], how.fit, classes]).encode())
        kept: list[int] = []
        skipped: list[str] = []
        modes: dict[bool, str] = {}
        decoded = _decode_all(source, rows, how)
        told = over(decoded, len(rows), f"decoding {source.name}")
        for position, (encoded, where, outcome) in enumerate(told):
            if isinstance(outcome, BadImage):
                if settings.on_bad_image == "stop":
                    raise SynthgenError(
                        f"{where}: {outcome}; mend or remove it, or pass --on-bad-image skip"
                    )
                skipped.append(f"{where}: {outcome}")
                continue
            grey, array = outcome
            modes.setdefault(grey, where)
            if settings.color == "auto" and len(modes) > 1:
                raise SynthgenError(
                    f"{source.name}: mixes grey ({modes[True]}) and colour ({modes[False]}) "
                    f"images; "
                    "choose with --color grey or --color rgb"
                )
            pixels[len(kept)] = array
            kept.append(position)
            digest.update(hashlib.sha256(encoded).digest())
            digest.update(int(labels[position]).to_bytes(4, "little"))
        pixels.flush()
        np.save(staging / "labels.npy", labels[kept])
        record = {
            "version": VERSION,
            "count": len(kept),
            "classes": list(classes),
            "fingerprint": digest.hexdigest(),
            "skipped": skipped,
        }
        (staging / "data.json").write_text(json.dumps(record), encoding="utf-8")
        try:
            staging.rename(folder)
        except OSError:  # another process was first with the same contents
            if not (folder / "data.json").exists():
                raise
    except OSError as error:
        raise SynthgenError(
            f"{folder.parent}: cannot write the image cache: {error.strerror}; "
            "name another place with --cache-dir"
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _decoding(source: Source, settings: DataSettings, rows: np.ndarray) -> Decoding:
    """Side and colour from the settings, else from the first image that can be read."""
    grey, side = settings.color == "grey", settings.resolution
    if settings.color == "auto" or side is None:
        for encoded, where in source.encoded([int(row) for row in rows[:1000]]):
            try:
                image = open_image(encoded, settings.max_pixels)
            except BadImage as error:
                if settings.on_bad_image == "skip":
                    continue
                raise SynthgenError(
                    f"{where}: {error}; mend or remove it, or pass --on-bad-image skip"
                ) from None
            grey = is_grey(image) if settings.color == "auto" else grey
            side = side or min(image.size)
            break
        else:
            raise SynthgenError(f"{source.name}: none of the first images can be read")
    if side < 4 or side > 1024:
        raise SynthgenError(f"{source.name}: images of {side} px; set --resolution (4 to 1024)")
    return Decoding(side, 1 if grey else 3, settings.fit, settings.max_pixels)


def _decode_all(
    source: Source, rows: np.ndarray, how: Decoding
) -> Iterator[tuple[bytes, str, BadImage | tuple[bool, np.ndarray]]]:
    """In the order of ``rows``; decoding runs in threads, a bounded number of chunks ahead."""

    def one(item: tuple[bytes, str]) -> tuple[bytes, str, BadImage | tuple[bool, np.ndarray]]:
        encoded, where = item
        try:
            grey = is_grey(open_image(encoded, how.max_pixels))
            return encoded, where, (grey, decode(encoded, how))
        except BadImage as error:
            return encoded, where, error

    items = source.encoded([int(row) for row in rows])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for chunk in _chunks(items):
            yield from pool.map(one, chunk)


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _open(folder: Path, name: str) -> ImageData:
    try:
        record = json.loads((folder / "data.json").read_text(encoding="utf-8"))
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / "labels.npy", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SynthgenError(
            f"{folder}: this image cache is damaged ({error}); delete the folder and run again"
        ) from None
    return ImageData(
        images[: record["count"]],
        labels,
        tuple(record["classes"]),
        name,
        record["fingerprint"],
        tuple(record["skipped"]),
    )
