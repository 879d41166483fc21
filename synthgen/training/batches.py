"""Which real images a step sees: a pure function of the seed and of the images shown so far."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from synthgen.spec.image import to_float
from synthgen.training.permutation import permuted

BEYOND = 2**48
"""From this position on any rows are found for the price of these rows alone, at random: there a
pass has an order that is computed place by place."""


class Passes:
    """Endless passes over the chosen rows, each in its own order.

    Nothing is kept between calls but the present pass' order, so that a resumed run, or any rank of
    several, asks for a position and gets what it would have got.
    """

    def __init__(self, chosen: np.ndarray, seed: int) -> None:
        """``chosen int64 [N]``."""
        self._chosen = chosen
        self._seed = seed
        self._order: tuple[int, np.ndarray] = (-1, chosen)

    def _pass(self, number: int) -> np.ndarray:
        if self._order[0] != number:
            shuffled = np.random.default_rng([self._seed, number]).permutation(self._chosen)
            self._order = (number, shuffled)
        return self._order[1]

    def rows(self, start: int, count: int) -> np.ndarray:
        """``count`` rows from position ``start``, ``int64``."""
        size = len(self._chosen)
        passes = range(start // size, (start + count - 1) // size + 1)
        if start >= BEYOND:
            places = start % size + np.arange(count)
            parts = [places[places // size == n] % size for n in range(len(passes))]
            seeds = [(self._seed << 32) + number for number in passes]
            order = [permuted(part, size, seed) for part, seed in zip(parts, seeds, strict=True)]
            return np.asarray(self._chosen[np.concatenate(order)])
        return np.concatenate(
            [
                self._pass(number)[max(start - number * size, 0) : start + count - number * size]
                for number in passes
            ]
        )


class RealBatches:
    """Images and labels, in :class:`Passes`."""

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, chosen: np.ndarray, seed: int, flip: bool
    ) -> None:
        """``images uint8 [M, H, W, C]`` (may be memory-mapped), ``labels int64 [M]``, ``chosen
        int64 [N]``."""
        self._images = images
        self._labels = labels
        self._passes = Passes(chosen, seed)
        self._flip = flip

    def at(self, start: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Images ``float [count, C, H, W]`` in [-1, 1] and labels ``int64 [count]`` from
        position ``start``.

        Flips draw from torch's global generator.
        """
        rows = self._passes.rows(start, count)
        ascending = np.argsort(rows, kind="stable")  # a memory-mapped file is read in order
        pixels = np.empty((count, *self._images.shape[1:]), dtype=np.uint8)
        pixels[ascending] = self._images[rows[ascending]]
        bytes_ = _to_device(pixels, device)
        if self._flip:  # as bytes: a quarter of the traffic of floats
            mirrored = torch.rand(count, 1, 1, 1, device=device) < 0.5
            bytes_ = torch.where(mirrored, bytes_.flip(2), bytes_)
        images = to_float(bytes_).contiguous(memory_format=torch.channels_last)
        return images, _to_device(self._labels[rows], device)


def _to_device(values: np.ndarray, device: torch.device) -> Tensor:
    """To a CUDA device from pinned pages, so that the host need not wait for the copy."""
    tensor = torch.from_numpy(values)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)
