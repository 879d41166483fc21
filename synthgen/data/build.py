"""A source's images decoded into a cache folder, which appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.decode import (
    UNSCALED,
    BadImage,
    Decoding,
    Look,
    NeedsScaling,
    decode,
    deep_range,
    is_grey,
    look_at,
    open_image,
)
from synthgen.data.scaling import NoRule, Ranges, Scaling, scaling_for
from synthgen.data.sources import Source
from synthgen.machine.progress import Progress, over
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings

VERSION = 1
"""Part of the fingerprint of images of eight bits, whose decoding has not changed since."""

FORM = 3
"""Raised when what lies in a cache changes: caches of an older form are not opened."""

CHUNK = 128
"""Encoded images in memory at once."""

MEND = "mend or remove it, or pass --on-bad-image skip"

Decoded = tuple[bytes | BadImage, str, BadImage | tuple[Look, np.ndarray]]


@dataclass(frozen=True)
class Seen:
    """What kinds of pixels a source has, and how they were scaled."""

    modes: tuple[tuple[str, int], ...]
    """Pillow's name of each mode and how many images have it, the most frequent first."""
    scaling: tuple[str, ...]
    """A line for each rule by which pixels deeper than eight bits were scaled."""

    @staticmethod
    def from_json(record: Any) -> Seen:
        modes = tuple((str(name), int(count)) for name, count in record["modes"])
        return Seen(modes, tuple(str(line) for line in record["scaling"]))


@dataclass(frozen=True)
class _Wanted:
    """Rows of a source that are to be decoded, and the positions of their classes."""

    source: Source
    settings: DataSettings
    classes: tuple[str, ...]
    rows: np.ndarray
    labels: np.ndarray


class _Filled:
    """What has been decoded so far."""

    def __init__(self, head: str) -> None:
        self.kept: list[int] = []
        self.sizes: list[tuple[int, int]] = []
        self.skipped: list[str] = []
        self.modes: Counter[str] = Counter()
        self.first: dict[bool, str] = {}
        self.digest = hashlib.sha256(head.encode())


def build_cache(
    folder: Path,
    source: Source,
    settings: DataSettings,
    classes: tuple[str, ...],
    rows: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Decode ``rows`` of the source, of which ``labels`` are the classes' positions.

    Raises:
        SynthgenError: an image cannot be used, or the cache cannot be written.
    """
    how = _decoding(source, settings, rows)
    staging = folder.with_name(f".{folder.name}-{os.getpid()}")
    try:
        staging.mkdir(parents=True, exist_ok=True)
        pixels = _allocated(staging / "images.npy", (len(rows), how.side, how.side, how.channels))
        filled, how = _filled(pixels, _Wanted(source, settings, classes, rows, labels), how)
        pixels.flush()
        np.save(staging / "labels.npy", labels[filled.kept])
        np.save(staging / "rows.npy", rows[filled.kept].astype(np.int64))
        np.save(staging / "sizes.npy", np.asarray(filled.sizes, dtype=np.int32).reshape(-1, 2))
        record = {
            "version": FORM,
            "count": len(filled.kept),
            "classes": list(classes),
            "fingerprint": filled.digest.hexdigest(),
            "skipped": filled.skipped,
            "seen": {"modes": filled.modes.most_common(), "scaling": how.scaling.said},
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


def try_some(
    source: Source,
    settings: DataSettings,
    classes: tuple[str, ...],
    rows: np.ndarray,
    labels: np.ndarray,
) -> tuple[Seen, tuple[str, ...]]:
    """What kinds of pixels ``rows`` of the source have, and a line for each of them that is to be
    skipped, as for :func:`build_cache`; nothing is kept.

    Raises:
        SynthgenError: one of these images cannot be used.
    """
    how = _decoding(source, settings, rows)
    pixels = np.empty((len(rows), how.side, how.side, how.channels), dtype=np.uint8)
    filled, how = _filled(pixels, _Wanted(source, settings, classes, rows, labels), how)
    return Seen(tuple(filled.modes.most_common()), how.scaling.said), tuple(filled.skipped)


def _filled(pixels: np.ndarray, wanted: _Wanted, how: Decoding) -> tuple[_Filled, Decoding]:
    """Decode into ``pixels``; if images turn out to be deep, once more with a rule for them."""
    try:
        return _fill(pixels, wanted, how), how
    except NeedsScaling:
        # One rule for all: it is known when all deep images have been looked at.
        how = replace(how, scaling=_scaling(wanted.source, wanted.settings, wanted.rows))
        return _fill(pixels, wanted, how), how


def _allocated(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    pixels: np.memmap[Any, Any] = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.uint8, shape=shape
    )
    with path.open("r+b") as file:
        # A mapped file without its blocks would end the process when the disk runs full.
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return pixels


def _fill(pixels: np.ndarray, wanted: _Wanted, how: Decoding) -> _Filled:
    """Decode into ``pixels``, one image after another without gaps.

    Raises:
        NeedsScaling: an image is deeper than eight bits, and ``how`` has no rule yet.
        SynthgenError: a bad image that is not to be skipped, or grey and colour mixed.
    """
    head = [VERSION, *pixels.shape[1:], how.fit, wanted.classes, *how.scaling.said]
    filled = _Filled(json.dumps(head))
    source, settings = wanted.source, wanted.settings
    # Closed here, for a collector that closes it while a thread starts would wait for ever.
    with closing(_decode_all(source, wanted.rows, how)) as decoded:
        told = over(decoded, len(wanted.rows), f"decoding {source.name}")
        for position, (encoded, where, outcome) in enumerate(told):
            if isinstance(outcome, NeedsScaling) and how.scaling is UNSCALED:
                raise outcome
            if isinstance(outcome, BadImage) or isinstance(encoded, BadImage):
                if settings.on_bad_image == "stop":
                    raise SynthgenError(f"{where}: {outcome}; {MEND}")
                filled.skipped.append(f"{where}: {outcome}")
                continue
            look, array = outcome
            filled.first.setdefault(look.grey, where)
            if settings.color == "auto" and len(filled.first) > 1:
                raise SynthgenError(
                    f"{source.name}: mixes grey ({filled.first[True]}) and colour "
                    f"({filled.first[False]}) images; choose with --color grey or --color rgb"
                )
            pixels[len(filled.kept)] = array
            filled.kept.append(position)
            filled.sizes.append((look.height, look.width))
            filled.modes[look.mode] += 1
            filled.digest.update(hashlib.sha256(encoded).digest())
            filled.digest.update(int(wanted.labels[position]).to_bytes(4, "little"))
    return filled


def _scaling(source: Source, settings: DataSettings, rows: np.ndarray) -> Scaling:
    """The rules for the source's deep images, of which every one is looked at.

    Raises:
        SynthgenError: no rule fits their values.
    """

    def one(item: tuple[bytes | BadImage, str]) -> Ranges:
        encoded, _ = item
        try:
            return Ranges() if isinstance(encoded, BadImage) else deep_range(
                encoded, settings.max_pixels)  # fmt: skip
        except BadImage:
            return Ranges()  # decoding says why

    found = Ranges()
    items = source.encoded([int(row) for row in rows])
    what = f"looking for the range of values of {source.name}"
    with Progress(len(rows), what) as progress, ThreadPoolExecutor(os.cpu_count()) as pool:
        for chunk in _chunks(items):
            for each in pool.map(one, chunk):
                found |= each
            progress.add(len(chunk))
    try:
        return scaling_for(found, settings.pixel_range)
    except NoRule as error:
        raise SynthgenError(f"{source.name}: {error}") from None


def _decoding(source: Source, settings: DataSettings, rows: np.ndarray) -> Decoding:
    """Side and colour from the settings, else from the first image that can be read."""
    grey, side = settings.color == "grey", settings.resolution
    if settings.color == "auto" or side is None:
        for encoded, where in source.encoded([int(row) for row in rows[:1000]]):
            try:
                if isinstance(encoded, BadImage):
                    raise encoded
                image = open_image(encoded, settings.max_pixels, where)
            except BadImage as error:
                if settings.on_bad_image == "skip":
                    continue
                raise SynthgenError(f"{where}: {error}; {MEND}") from None
            grey = is_grey(image) if settings.color == "auto" else grey
            side = side or min(image.size)
            break
        else:
            raise SynthgenError(f"{source.name}: none of the first images can be read")
    if side < 4 or side > 1024:
        raise SynthgenError(f"{source.name}: images of {side} px; set --resolution (4 to 1024)")
    return Decoding(side, 1 if grey else 3, settings.fit, settings.max_pixels)


def _decode_all(source: Source, rows: np.ndarray, how: Decoding) -> Generator[Decoded, None, None]:
    """In the order of ``rows``; decoding runs in threads, a bounded number of chunks ahead."""

    def one(item: tuple[bytes | BadImage, str]) -> Decoded:
        encoded, where = item
        if isinstance(encoded, BadImage):
            return encoded, where, encoded
        try:
            look = look_at(open_image(encoded, how.max_pixels, where))
            return encoded, where, (look, decode(encoded, how))
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
