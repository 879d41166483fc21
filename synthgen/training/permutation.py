"""A random order of many rows, of which any place can be asked for without making the others.

A Feistel network permutes the numbers of an even count of bits (Luby and Rackoff 1988, SIAM Journal
on Computing 17(2)); what falls outside of the range is permuted again until it falls inside (cycle
walking: Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains", section 3). The round
function is the finaliser of SplitMix64 (Steele, Lea and Flood 2014, OOPSLA).
"""

from __future__ import annotations

import numpy as np

ROUNDS = 4
GAMMA = np.uint64(0x9E3779B97F4A7C15)


def permuted(places: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Where the numbers ``places``, ``int64 [n]`` in 0 to ``size - 1``, go in the order of
    ``seed``: ``int64 [n]`` of the same range, different ones for different places.

    Raises:
        ValueError: a place is out of the range.
    """
    if len(places) and (places.min() < 0 or places.max() >= size):
        raise ValueError(f"places go from 0 to {size - 1}")
    half = max(1, -(-(size - 1).bit_length() // 2))
    found = places.astype(np.uint64)
    outside = np.arange(len(found))
    while len(outside):
        found[outside] = _network(found[outside], half, seed)
        outside = outside[found[outside] >= np.uint64(size)]
    return found.astype(np.int64)


def _network(values: np.ndarray, half: int, seed: int) -> np.ndarray:
    """A permutation of the numbers of ``2 * half`` bits."""
    bits, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = values >> bits, values & mask
    for number in range(ROUNDS):
        key = np.uint64((seed + number * int(GAMMA)) % 2**64)
        left, right = right, left ^ (_mixed(_mixed(right + np.uint64(1)) ^ key) & mask)
    return (left << bits) | right


def _mixed(values: np.ndarray) -> np.ndarray:
    values = values * GAMMA  # modulo 2**64
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = values ^ (values >> np.uint64(31))
    return mixed
