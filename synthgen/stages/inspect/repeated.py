"""Images that are there twice: exactly, or nearly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xxhash

from synthgen.data.cache import ImageData
from synthgen.data.splits import few_per_class
from synthgen.features.fingerprint import fingerprints
from synthgen.quality.repeats import RepeatRule, find_repeats

NEAR = 5.0
"""Distance of fingerprints under which two images of a class are called near duplicates: what JPEG
compression moves them by."""

BATCH = 256
"""More at a time no longer fit a processor's cache: 1,024 took nearly twice as long."""

MOST_OF_A_CLASS = 30_000
"""Images of a class among which near duplicates are looked for: each is compared with all others
of about its brightness."""


@dataclass(frozen=True)
class Repeated:
    """Who repeats whom; positions among the images that were read."""

    first: np.ndarray
    """``int64 [N]``: the first image with exactly the same pixels; an image's own position if it is
    the first."""
    near: np.ndarray
    """``bool [N]``: nearly the same as an earlier image of its class, and no exact duplicate."""

    compared: int
    """How many images near duplicates were looked for among."""

    @property
    def exact(self) -> np.ndarray:
        """``bool [N]``: exactly the same as an earlier image."""
        repeats: np.ndarray = self.first != np.arange(len(self.first))
        return repeats


def find_repeated(data: ImageData) -> tuple[Repeated, torch.Tensor]:
    """Exact and near duplicates at the resolution of training, and the fingerprints ``int8 [N, 1,
    32]`` by which the near ones are told."""
    hashes = np.fromiter(
        (xxhash.xxh3_64_intdigest(image) for image in data.images), np.uint64, len(data.images)
    )
    _, place, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    first = place[inverse].astype(np.int64)
    codes = torch.cat([
        fingerprints(torch.from_numpy(np.array(data.images[at : at + BATCH])))
        for at in range(0, len(data.images), BATCH)
    ])  # fmt: skip
    rule = RepeatRule("near", "fingerprint", (NEAR,) * len(data.classes), 0, "dataset")
    chosen = np.zeros(len(first), dtype=bool)
    chosen[few_per_class(data.labels, MOST_OF_A_CLASS, 0)] = True
    chosen &= first == np.arange(len(first))
    near = np.zeros(len(first), dtype=bool)
    near[find_repeats(rule, codes, data.labels, chosen)] = True
    return Repeated(first, near, int(chosen.sum())), codes
