"""Unlabelled images, batch after batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from synthgen.training.batches import RealBatches


class Pool:
    """Endless passes over unlabelled images, each in its own order."""

    def __init__(self, images: np.ndarray, seed: int, flip: bool) -> None:
        """``images uint8 [P, H, W, C]``, mirrored half of the time with ``flip``."""
        rows = np.arange(len(images))
        self._batches = RealBatches(images, rows, rows, seed, flip)
        self._shown = 0

    def next(self, count: int, device: torch.device) -> Tensor:
        """The next ``count`` images, ``float [count, C, H, W]`` in [-1, 1]."""
        images, _ = self._batches.at(self._shown, count, device)
        self._shown += count
        return images
