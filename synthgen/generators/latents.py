"""Latents as a pure function of four numbers, through a counter-based generator.

Candidate k of class c in shard s of a run with a seed has one latent, whatever the batch size, the
order, the worker or the device: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as
easy as 1, 2, 3", section 3.3) with the seed as its key and (block, k, c, s) as its counter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
ROUNDS = 10

Words = NDArray[np.uint64]


def philox(counter: tuple[Words, Words, Words, Words], seed: int) -> tuple[Words, ...]:
    """Four 32-bit words (held in uint64) per counter; the key is the seed's low and high half."""
    a, b, c, d = counter
    low, high = seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    for _ in range(ROUNDS):
        first, second = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (
            (second >> _SHIFT) ^ b ^ np.uint64(low),
            second & _LOW,
            (first >> _SHIFT) ^ d ^ np.uint64(high),
            first & _LOW,
        )
        low, high = (low + _WEYL[0]) & 0xFFFFFFFF, (high + _WEYL[1]) & 0xFFFFFFFF
    return a, b, c, d


def uniforms(
    seed: int,
    classes: NDArray[np.int64],
    shards: NDArray[np.int64],
    candidates: NDArray[np.int64],
    size: int,
) -> NDArray[np.float64]:
    """``float64 [N, size]`` in the open interval (0, 1), one row for each (class, shard,
    candidate)."""
    blocks = -(-size // 4)
    shape = (len(candidates), blocks)
    words = [
        np.broadcast_to(np.arange(blocks, dtype=np.uint64)[None, :], shape),
        *(
            np.broadcast_to(numbers.astype(np.uint64)[:, None] & _LOW, shape)
            for numbers in (candidates, classes, shards)
        ),
    ]
    drawn = np.stack(
        philox((words[0], words[1], words[2], words[3]), seed), axis=2
    )  # [N, blocks, 4]
    flat = drawn.reshape(len(candidates), blocks * 4)[:, :size]
    return (flat.astype(np.float64) + 0.5) / 2.0**32


def latents(
    seed: int,
    classes: NDArray[np.int64],
    shards: NDArray[np.int64],
    candidates: NDArray[np.int64],
    size: int,
    *,
    std: float = 1.0,
    truncation: float | None = None,
) -> NDArray[np.float32]:
    """Normal latents ``float32 [N, size]``, times ``std``.

    With ``truncation`` the normal law is cut to [-truncation, truncation] (the law that resampling
    gives: Brock et al. 2018, arXiv:1809.11096, section 3.1), without mass at the bounds; 0 gives
    zeros: every class' mean image.
    """
    if truncation == 0:
        return np.zeros((len(candidates), size), dtype=np.float32)
    if truncation is not None:
        import torch
        from torch.special import ndtr, ndtri

        share = uniforms(seed, classes, shards, candidates, size)
        low = float(ndtr(torch.tensor(-truncation, dtype=torch.float64)))
        normal = ndtri(torch.from_numpy(low + share * (1.0 - 2.0 * low))).numpy()
        scaled: NDArray[np.float32] = (normal * std).astype(np.float32)
        return scaled
    pairs = -(-size // 2)
    share = uniforms(seed, classes, shards, candidates, 2 * pairs)
    # Box & Muller 1958: two normal numbers from two uniform ones.
    radius = np.sqrt(-2.0 * np.log(share[:, :pairs]))
    angle = 2.0 * np.pi * share[:, pairs:]
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :size]
    return (normal * std).astype(np.float32)
