"""A budget of time: what of it is used, and when a run that is under way will end."""

from __future__ import annotations

import time
from collections.abc import Callable

from synthgen.training.pace import Pace

FOR_CLASSIFIER = 0.15
"""Share of the whole time that the label classifier may take."""

FOR_SCORING = 0.1
"""Share of the whole time that scores, curves and checkpoints should take."""

FOR_JUDGING = FOR_CLASSIFIER + FOR_SCORING

REPLANNED = 0.1
"""Share of the whole time after which the end is estimated anew where no tick has come."""


class Timetable:
    """The seconds of one run, over all the processes that have worked at it.

    Measures how long an image shown and a tick take, and moves the end of the run so that the
    whole takes as long as it may.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._now = now
        self._begun = now()
        self._before = 0.0
        self._mark: tuple[float, int] | None = None
        """When steps began after the last estimate, at how many images."""
        self._each: float | None = None
        self._tick = 0.0

    def resume(self, used: float) -> None:
        """Count what processes before this one have used."""
        self._before = used

    @property
    def used(self) -> float:
        return self._before + self._now() - self._begun

    def steps_begin(self, shown: int) -> None:
        """From here on steps are timed."""
        self._mark = (self._now(), shown)

    def due(self) -> bool:
        """Whether the end should be estimated though no tick has come, or the time is up."""
        assert self._mark is not None
        waited = self._now() - self._mark[0]
        return waited > REPLANNED * self.seconds or self.used >= self.seconds

    def ticked(self, seconds: float) -> None:
        """Take note of how long a tick took, all that it writes included."""
        self._tick = max(seconds, self._tick / 2)

    def steps_end(self, shown: int) -> None:
        """Steps end, or a tick comes: take note of their speed."""
        assert self._mark is not None
        since, before = self._mark
        if shown > before:
            each = (self._now() - since) / (shown - before)
            # The newest counts most: what else the machine does comes and goes.
            self._each = each if self._each is None else (self._each + 2 * each) / 3
        self._mark = (self._now(), shown)

    def pace(self, present: Pace, shown: int, ticks: int) -> Pace:
        """The pace that ends when the time is up, with the ticks that are still to come."""
        if self._each is None:
            return present
        to_come = max(1.0, (1 - present.at(shown)) * ticks)
        left = self.seconds - self.used - to_come * self._tick
        return present.moved(shown, shown + max(0, int(left / self._each)))


def duration(seconds: float) -> str:
    """Seconds in words: '40 seconds', '30 minutes', '2.5 hours'."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.3g} minutes"
    return f"{seconds / 3600:.3g} hours"
