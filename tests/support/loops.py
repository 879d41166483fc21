"""Settings of a training loop of tests."""

from __future__ import annotations

from typing import Any

import torch

from synthgen.training.augment import no_augmentation
from synthgen.training.phase_step import LoopSettings


def plain_loop(**changes: Any) -> LoopSettings:
    """Four images a step on the CPU in full precision, without augmentation."""
    return LoopSettings(**{
        "images": 1000, "batch_size": 4, "seed": 0, "ema_half_life": 0.05,
        "augment": no_augmentation, "precision": torch.float32, "device": torch.device("cpu"),
        **changes,
    })  # fmt: skip
