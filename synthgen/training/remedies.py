"""What has been changed to keep a run from falling over again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Remedies:
    """What has been changed to keep a run from falling over again; see ``training/watch.py``."""

    attempt: int = 0
    """Rollbacks so far: enters the seed of every step, so that a step taken again is another."""
    lr: float = 1.0
    """Factor on all learning rates."""
    penalty: float = 1.0
    """Factor on the schedule ``"gamma"``."""
    clip: float | None = None
    """Largest gradient norm, if the settings give none."""
    augmented: bool = False
    """Whether D's images are augmented though the settings do not say so."""
