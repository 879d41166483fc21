"""The watch: sees a run diverge or collapse, and says what to change when it is rolled back.

Pure bookkeeping over the rows of ``metrics.jsonl``; the stage that trains does the rolling back.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from synthgen.training.remedies import Remedies

COLLAPSED = 0.25
"""Mean diversity (1 is the real images') under which a generator repeats itself."""

CLASS_COLLAPSED = 0.1
"""Diversity of the least diverse class under which that class has collapsed."""

HAD_VARIETY = 2.0
"""A collapse is a fall: to less than half of the variety that the run has had."""

NEVER_ROSE = 0.5
"""Share of the run after which little variety is a collapse even if there never was more."""

LEAST_SHOWN = 20_000
"""Images before which a generator that never had variety is untrained, not collapsed."""

DIVERGED = 3.0
"""A score this many times the best one, twice in a row, is divergence.

Here and below the real images' own score is added to the limit, for so much of any score comes from
the measure itself.
"""

DECLINED = 1.75
"""A score this many times the best one, four times in a row, is a decline: it will not come back
by itself."""

EXPLODED = 10.0
"""A score this many times the best one is divergence in a single tick."""

RUNAWAY = 1e6
"""A loss of this size is divergence whatever the score: a run may diverge before it has a best."""

SATURATED = 0.99
"""Accuracy on reals and on fakes from which a judge has won, if the score got worse besides."""

WORSE = 1.25
"""How much worse than the best a score must be for a saturated judge to be a fault."""


@dataclass(frozen=True)
class Alarm:
    """``kind`` is not-finite, diverged, declined, collapsed or saturated; ``why`` a sentence."""

    kind: str
    why: str


class Watch:
    """Reads one row per tick. ``progress`` of a row is its share of the budget."""

    def __init__(self, starts: Collection[float] = ()) -> None:
        """``starts`` are shares of the run at which a further phase begins: from there on scores
        are compared with each other alone, for the networks are then asked for something else."""
        self._starts = starts
        self._begun = 0
        self.best_score = math.inf
        """The least score of a tick that was not suspicious."""
        self._most_variety = 0.0
        self._suspected: dict[str, int] = {}

    def look(self, row: Mapping[str, Any], progress: float) -> Alarm | None:
        """What is wrong with the run as of this tick, if anything is.

        Most faults need two ticks in a row; :attr:`suspicious` is true after the first. Untrained
        networks, at no images, set no mark: some score well by chance.
        """
        if row["images"] == 0:
            return None
        begun = sum(start < progress for start in self._starts)
        if begun != self._begun:
            self._begun, self.best_score, self._suspected = begun, math.inf, {}
        suspects = dict(self._suspects(row, progress))
        self._suspected = {k: self._suspected.get(k, 0) + 1 for k in suspects}
        for kind, (why, ticks) in suspects.items():
            if self._suspected[kind] >= ticks:
                return Alarm(kind, why)
        if not suspects:
            self.best_score = min(self.best_score, row["score"])
            self._most_variety = max(self._most_variety, row["diversity"])
        return None

    @property
    def suspicious(self) -> bool:
        """Whether the last tick looked bad, so that its state is none to go back to."""
        return bool(self._suspected)

    @classmethod
    def of(
        cls, rows: Iterable[Mapping[str, Any]], images: int, starts: Collection[float] = ()
    ) -> Watch:
        """The watch of a run of ``images`` whose log so far is ``rows``, ticks and events.

        What a rollback undid sets no mark: the state gone back to is measured by its own past.
        """
        past: list[Mapping[str, Any]] = []
        for row in rows:
            if "event" in row:
                past = [tick for tick in past if tick["images"] <= row["back_to"]]
            else:
                past.append(row)
        watch = cls(starts)
        for tick in past:
            watch.look(tick, tick["images"] / images)
        return watch

    def _suspects(
        self, row: Mapping[str, Any], progress: float
    ) -> list[tuple[str, tuple[str, int]]]:
        """Kind to reason and the ticks in a row that make it an alarm."""
        bad = [k for k, v in row.items() if isinstance(v, float) and not math.isfinite(v)]
        bad = [k for k in bad if k == "score" or k.startswith("loss/")]
        if bad or row["score"] is None:
            return [("not-finite", (f"{bad[0] if bad else 'score'} is not a finite number", 1))]
        found = []
        score, best, real = row["score"], self.best_score, row.get("score_real", 0.0)
        losses = {k: v for k, v in row.items() if k.startswith("loss/")}
        largest = max(losses, key=lambda name: abs(losses[name]), default=None)
        if largest is not None and abs(losses[largest]) > RUNAWAY:
            found.append(("diverged", (f"{largest} is {losses[largest]:.3g}", 1)))
            return found
        if score > EXPLODED * best + real:
            found.append(("diverged", (f"score {score:.3g}, the best was {best:.3g}", 1)))
        elif score > DIVERGED * best + real:
            why = f"score {score:.3g} for two ticks, the best was {best:.3g}"
            found.append(("diverged", (why, 2)))
        if score > DECLINED * best + real:
            why = f"score {score:.3g} or near it for four ticks, the best was {best:.3g}"
            found.append(("declined", (why, 4)))
        wins = [
            key.split("/")[1]
            for key, value in row.items()
            if key.startswith("accuracy/") and key.endswith("/real") and value >= SATURATED
            and row[key.replace("/real", "/fake")] >= SATURATED
        ]  # fmt: skip
        if wins and score > WORSE * best + real:
            why = f"{wins[0]} knows every fake and the score got worse for two ticks"
            found.append(("saturated", (why, 2)))
        why_collapsed = self._collapse(row, progress)
        if why_collapsed:
            found.append(("collapsed", (why_collapsed, 2)))
        return found

    def _collapse(self, row: Mapping[str, Any], progress: float) -> str | None:
        variety, least = row["diversity"], row["least_diversity"]
        late = progress >= NEVER_ROSE and row["images"] >= LEAST_SHOWN
        if variety < COLLAPSED and (variety * HAD_VARIETY < self._most_variety or late):
            return f"diversity {variety:.2f} of the real images' for two ticks"
        if least < CLASS_COLLAPSED and (self._most_variety >= COLLAPSED or late):
            name = row.get("least_diverse_class", "")
            return f"class '{name}' has {least:.2f} of the real diversity for two ticks"
        return None


@dataclass(frozen=True)
class Rung:
    """One change of the stability ladder."""

    text: str
    remedies: Remedies
    restart: bool = False
    """Whether the run begins again with untrained networks, not with its last good ones."""


def ladder(
    present: Remedies, *, penalized: bool, augmented: bool, lost: bool = False
) -> Rung | None:
    """The next rung up from ``present``; ``None`` after the last.

    Args:
        present: what has been changed so far.
        penalized: whether the algorithm has a penalty that can be strengthened.
        augmented: whether the settings augment D's images (or forbid it for tiny ones).
        lost: whether nothing is left that is worth going back to.
    """
    following = replace(present, attempt=present.attempt + 1)
    rungs = [Rung("learning rates to 0.3 of theirs", replace(following, lr=0.3))]
    if penalized:
        stronger = replace(following, lr=0.3, penalty=4.0)
        rungs.append(Rung("gradient penalties four times as strong", stronger))
    if not augmented:
        more = replace(rungs[-1].remedies, augmented=True)
        rungs.append(Rung("DiffAugment before the discriminator", more))
    rungs.append(
        Rung(
            "learning rates to 0.1 of theirs, gradients clipped to norm 1",
            replace(rungs[-1].remedies, lr=0.1, clip=1.0),
        )
    )
    if lost:
        rungs.append(Rung("the same from untrained networks", rungs[-1].remedies, restart=True))
    return rungs[present.attempt] if present.attempt < len(rungs) else None
