"""Where a run that diverged or collapsed goes back to, and what is changed before it goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthgen.stages.train.setup import SMALLEST_AUGMENTED, Prepared
from synthgen.training import checkpoint
from synthgen.training.remedies import Remedies
from synthgen.training.watch import DECLINED, Alarm, Rung, Watch, ladder


@dataclass(frozen=True)
class Rollback:
    """What follows an alarm. ``back_to`` is a checkpoint, by its images shown."""

    alarm: Alarm
    at: int
    """Images shown when the alarm came."""
    back_to: int
    rung: Rung | None
    """The change of the stability ladder; ``None`` after the last."""
    failed: int
    """The attempt that ended so."""

    @property
    def action(self) -> str:
        """What is changed, in words."""
        return "stopped: no change is left to try" if self.rung is None else self.rung.text

    @property
    def text(self) -> str:
        """The line that the user reads."""
        return (
            f"{self.alarm.kind}: {self.alarm.why}; back to {self.back_to:,} images; {self.action}"
        )

    def remedies(self, loaded: Remedies) -> Remedies:
        """What the next attempt is trained with; ``loaded`` is what the checkpoint was."""
        ended = replace(loaded, attempt=self.failed + 1)
        return ended if self.rung is None else self.rung.remedies

    def row(self) -> dict[str, Any]:
        """The event's line of the metrics log."""
        return {
            "images": self.at,
            "attempt": self.failed,
            "event": self.alarm.kind,
            "why": self.alarm.why,
            "action": self.action,
            "back_to": self.back_to,
        }


def choose(
    alarm: Alarm,
    prepared: Prepared,
    checkpoints: Path,
    rolled_to: int,
    lost: Callable[[int], bool],
) -> Rollback:
    """The rollback to the last good checkpoint, or to the untrained one where the rung says so.

    Args:
        alarm: why.
        prepared: the run.
        checkpoints: its checkpoints.
        rolled_to: where the rollback before went to: the same fault came from there once already.
        lost: whether nothing is left at a checkpoint that is worth going back to.
    """
    training = prepared.training
    small = prepared.data.image.height < SMALLEST_AUGMENTED
    *older, back_to = checkpoint.shown_at(checkpoints)
    if older and back_to == rolled_to:
        back_to = older.pop()
    rung = ladder(
        training.remedies,
        penalized="gamma" in training.algorithm.schedules,
        augmented=small or prepared.augment != "none",
        lost=lost(back_to),
    )
    if older and rung is not None and rung.restart:
        back_to = older[0]
    return Rollback(alarm, training.shown, back_to, rung, training.remedies.attempt)


def is_lost(
    alarm: Alarm,
    rows: list[dict[str, Any]],
    images: int,
    back_to: int,
    best: Mapping[str, float],
    real_score: float,
) -> bool:
    """Whether the state at ``back_to`` has no past that is near the best of the run; or the
    generator repeats itself, which it does not unlearn in smaller steps.

    ``rows`` are those of the metrics log of a run of so many ``images``.
    """
    undoing = [*rows, {"event": "rolled back", "back_to": back_to}]
    left = Watch.of(undoing, images).best_score
    limit = DECLINED * best.get("score", -math.inf) + real_score
    return left > limit or alarm.kind == "collapsed"
