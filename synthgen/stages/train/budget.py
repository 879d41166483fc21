"""A budget of time: what of it is used, and when a run that is under way will end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from synthgen.spec.settings.train import TrainSettings
from synthgen.training.distributed import Ranks
from synthgen.training.pace import Pace

FOR_CLASSIFIER = 0.15
"""Share of the whole time that the label classifier may take."""

FOR_SCORING = 0.1
"""Share of the whole time that scores, curves and checkpoints should take."""

FOR_JUDGING = FOR_CLASSIFIER + FOR_SCORING

REPLANNED = 0.1
"""Share of the whole time after which the end is estimated anew where no tick has come."""


LEAST_STEPS = 32
"""Steps that a run takes however late it is: fewer leave no bundle at all."""


@dataclass(frozen=True)
class TimeUsed:
    """What a checkpoint keeps of a budget of time."""

    seconds: float
    """Used so far, by all the processes that have worked at the run."""
    each: float
    """Seconds for an image shown."""
    tick: float
    """Seconds for a tick: scores, curves, bundle and checkpoint."""


class Timetable:
    """Keeps a run within its time: measures how long an image and a tick take, and says how many
    images there is time for."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` is a clock in seconds."""
        self.seconds = seconds
        self._now = now
        self._begun = now()
        self._before = TimeUsed(0.0, 0.0, 0.0)
        self._ticks = 0
        self._each = 0.0
        self._tick = 0.0
        self._since: tuple[float, int] = (now(), 0)
        """When steps began to be timed, at how many images."""
        self._paused: float | None = None

    @classmethod
    def of(cls, settings: TrainSettings) -> Timetable | None:
        """That of a run which begins now, or goes on; ``None`` without a budget of time."""
        return None if settings.seconds is None else cls(settings.seconds)

    @property
    def used(self) -> float:
        """Seconds used so far."""
        return self._before.seconds + self._now() - self._begun

    def start(self, kept: Mapping[str, Any] | None, images: int, ticks: int) -> None:
        """Begin where a checkpoint's :meth:`record` left off, or with what was planned.

        ``images`` is what the plan expects to show, ``ticks`` how many it asks for.
        """
        self._ticks = ticks
        expected = self.seconds * (1 - FOR_JUDGING) / images
        self._before = TimeUsed(0.0, expected, 0.0) if kept is None else TimeUsed(**kept)
        self._each, self._tick = self._before.each, self._before.tick

    def record(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return asdict(TimeUsed(self.used, self._each, self._tick))

    def pause(self, shown: int) -> None:
        """Steps end at ``shown`` images and a tick begins."""
        self._note(shown)
        self._paused = self._now()

    def go_on(self, shown: int) -> None:
        """A tick has ended, with all that it wrote, and steps begin."""
        if self._paused is not None:
            self._tick = max(self._now() - self._paused, self._tick / 2)
        self._paused = None
        self._since = (self._now(), shown)

    def due(self, group: Ranks) -> bool:
        """Whether the end should be estimated anew though no tick has come.

        Never where several ranks train: they would have to agree at every step.
        """
        if group.count > 1:
            return False
        waited = self._now() - self._since[0]
        return waited > REPLANNED * self.seconds or self.used >= self.seconds

    def pace(self, present: Pace, shown: int, batch: int, group: Ranks) -> Pace:
        """The pace that ends when the time is up, the same on every rank.

        It leaves the time of the ticks that are still to come. ``batch`` are the images of a step.
        """
        if present.at(shown) >= 1:
            return present
        if self._paused is None:
            self._note(shown)
        to_come = max(1.0, (1 - present.at(shown)) * self._ticks)
        left = self.seconds - self.used - to_come * self._tick
        end = max(shown + max(0, int(left / self._each)), LEAST_STEPS * batch)
        target = group.agree(str(end) if group.leads else None)
        assert target is not None
        return present.moved(shown, int(target))

    def text(self) -> str:
        """What was asked for and what was taken."""
        return f"time: {duration(self.seconds)} asked for, {duration(self.used)} taken"

    def _note(self, shown: int) -> None:
        """Take note of the speed of the steps since the last time."""
        since, before = self._since
        if shown > before:
            newest = (self._now() - since) / (shown - before)
            # The newest counts most: what else the machine does comes and goes.
            self._each = (self._each + 2 * newest) / 3
        self._since = (self._now(), shown)


def duration(seconds: float) -> str:
    """Seconds in words: '40 seconds', '30 minutes', '2.5 hours'."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.3g} minutes"
    return f"{seconds / 3600:.3g} hours"
