"""Solids in the ``.binvox`` form (Min, "binvox 3D mesh voxelizer", 2004): a few lines of text, then
runs of voxels."""

from __future__ import annotations

import numpy as np

MAGIC = b"#binvox"
LARGEST = 256
"""Voxels along a side that are read."""


def read_binvox(encoded: bytes) -> np.ndarray:
    """The solid ``uint8 [S, S, S]`` of 0 and 1: depth, row (down), column.

    The file runs through its planes of x, in these through z, and in these upwards through y.

    Raises:
        ValueError: it is no such file, is cut off, or has sides of different lengths.
    """
    head, mark, data = encoded.partition(b"\ndata\n")
    lines = head.decode("ascii", "replace").splitlines()
    if not mark or not lines or not lines[0].startswith("#binvox"):
        raise ValueError("is no binvox file: its first lines are not those of one")
    words = next((line.split()[1:] for line in lines if line.startswith("dim ")), [])
    if len(words) != 3 or not all(word.isdigit() for word in words):
        raise ValueError("is a binvox file that does not say its size (a line 'dim S S S')")
    sides = {int(word) for word in words}
    if len(sides) > 1:
        raise ValueError(f"is {' x '.join(words)}: a solid's grid has one side")
    side = sides.pop()
    if not 1 <= side <= LARGEST:
        raise ValueError(f"has a side of {side} voxels; read are 1 to {LARGEST}")
    if len(data) % 2:
        raise ValueError("is cut off: its last run has no length")
    runs = np.frombuffer(data, dtype=np.uint8).reshape(-1, 2)
    total = int(runs[:, 1].astype(np.int64).sum())
    if total != side**3:
        raise ValueError(f"holds {total:,} voxels, not {side}³: it is cut off or damaged")
    flat = np.repeat((runs[:, 0] > 0).astype(np.uint8), runs[:, 1])
    return from_binvox_order(flat.reshape(side, side, side))


def from_binvox_order(grid: np.ndarray) -> np.ndarray:
    """A grid of x, z and upward y as depth, row and column."""
    return np.ascontiguousarray(grid.transpose(1, 2, 0)[:, ::-1])
