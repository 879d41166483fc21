"""How images shown become progress, also where the end of a run moves while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """A straight line from ``done`` at ``since`` images to 1 at ``target`` images.

    A run of a given number of images has one. Under a budget of time the end is estimated anew as
    the run goes on: each estimate begins where progress is, so that no schedule ever jumps. The
    three numbers are part of every checkpoint.
    """

    target: int
    since: int = 0
    done: float = 0.0

    def at(self, shown: int) -> float:
        """Progress in [0, 1]."""
        if shown >= self.target:
            return 1.0
        return self.done + (1.0 - self.done) * ((shown - self.since) / (self.target - self.since))

    def moved(self, shown: int, target: int) -> Pace:
        """The pace from ``shown`` images on to another end."""
        return Pace(max(target, shown), shown, self.at(shown))

    def crossed(self, before: int, after: int, parts: int) -> bool:
        """Whether the step from ``before`` to ``after`` images enters another of so many equal
        parts of the run, or ends it."""
        if after >= self.target:
            return True
        return _part(self.at(before), parts) != _part(self.at(after), parts)


def _part(progress: float, parts: int) -> int:
    return int(progress * parts + 1e-9)
