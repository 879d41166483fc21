"""A trial of reading images: all of them where that takes seconds, else a sample of them."""

from __future__ import annotations

import numpy as np

from synthgen.data.build import try_some
from synthgen.data.cache import choose_rows, is_decoded, load_images
from synthgen.data.sources import Source
from synthgen.spec.settings.data import DataSettings

MOST_IMAGES = 4_000
MOST_PIXELS = 100_000_000
"""Of all files together: so many take a core two or three seconds to decode."""

SAMPLE = 256
SAMPLE_PIXELS = 50_000_000
LEAST = 32


def try_images(settings: DataSettings, source: Source, pixels: int) -> list[str]:
    """How the images of the source are read, a line for each fact: structure, what was left out,
    scaling, what was skipped, and how many were tried.

    All are decoded into the cache where they are few or are decoded already; else a sample that
    depends on the settings' seed of choice only. ``pixels`` is the size of an image, in the median.

    Raises:
        SynthgenError: one of the images that were tried cannot be used.
    """
    classes, rows, labels = choose_rows(source, settings)
    count = len(rows)
    few = count <= MOST_IMAGES and count * pixels <= MOST_PIXELS
    if few or is_decoded(settings, source):
        data = load_images(settings, source=source)
        return [*data.lines(), *(f"skipped: {each}" for each in data.skipped)]
    most = min(SAMPLE, max(LEAST, SAMPLE_PIXELS // max(1, pixels)))
    drawn = np.random.default_rng(settings.limit_seed).permutation(count)[:most]
    chosen = np.sort(drawn)
    seen, skipped = try_some(source, settings, classes, rows[chosen], labels[chosen])
    return [
        *source.understood.lines(),
        *seen.scaling,
        *(f"skipped: {each}" for each in skipped),
        f"tried: {len(chosen)} of {count:,} images, chosen at random, of which {len(skipped)} are "
        "bad; training decodes all before its first step, and then "
        + ("stops at a bad one" if settings.on_bad_image == "stop" else "skips bad ones"),
    ]
