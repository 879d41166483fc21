"""The rules a filter file can name: each turns its settings and the calibration into bounds.

A rule of one's own is a class like these, named in the entry point group ``synthgen.filters``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synthgen.quality.calibration import Calibration
from synthgen.quality.repeats import RepeatRule
from synthgen.quality.rule import INFINITE, Bound, Context, Rule
from synthgen.spec.columns import AGREEMENT, DISCRIMINATOR, IDENTITY
from synthgen.spec.errors import SynthgenError

LABEL = f"label{AGREEMENT}"
APART = (LABEL, IDENTITY)
"""Agreements that have rules of their own."""

Statistic = Literal["brightness", "contrast", "entropy", "sharpness", "grain"]


def _enough(calibration: Calibration, score: str, position: int, quantile: float) -> bool:
    """Whether a class has so many held-out images that one of them lies beyond the quantile."""
    count = calibration.counts.get(score, (0,) * (position + 1))[position]
    return count * quantile >= 1


def _class_quantile(calibration: Calibration, score: str, position: int, quantile: float) -> float:
    """Of the class' held-out images; of all classes' where it has too few for this quantile."""
    own = position if _enough(calibration, score, position, quantile) else None
    return calibration.quantile(score, quantile, own)


class StatisticsFilter(Rule):
    """Keep images whose statistics lie within real ones."""

    scores: tuple[Statistic, ...] = Field(
        ("brightness", "contrast", "entropy", "sharpness"),
        description="Statistics to look at; 'grain' too finds more noise, and rejects more of a "
        "weak generator's images.",
    )
    quantile: float = Field(
        0.001, ge=0, lt=0.5, description="Share of real images beyond each end."
    )
    margin: float = Field(
        0.1, ge=0, description="Widening of both ends, as a share of the range between them."
    )
    per_class: bool = Field(
        False,
        description="Go by the real images of the class, where there are enough of them to have "
        "such quantiles: stricter.",
    )

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        calibration = context.calibrated(name, *self.scores)
        bounds: list[Bound | RepeatRule] = []
        for score in self.scores:
            ends = []
            for label in context.classes:
                # A class of few images has no tails to speak of: then those of all classes.
                position = context.position(label) if self.per_class else None
                if position is not None and not _enough(
                    calibration, score, position, self.quantile
                ):
                    position = None
                low = calibration.quantile(score, self.quantile, position)
                high = calibration.quantile(score, 1 - self.quantile, position)
                margin = self.margin * (high - low)
                ends.append((low - margin, high + margin))
            lows, highs = zip(*ends, strict=True)
            bounds.append(Bound(name, score, lows, highs))
        return bounds


class LabelAgreementFilter(Rule):
    """Keep images to which the label classifier gives their own label with enough probability."""

    quantile: float = Field(
        0.1, ge=0, lt=1, description="Share of real images of the class that would fail."
    )
    ceiling: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Largest threshold that the quantile gives: above a half the "
        "classifier prefers the image's own label to all others together.",
    )
    min: float | None = Field(
        None, ge=0, le=1, description="Least probability, in place of the quantile."
    )

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        calibration = context.calibrated(name, "label_agreement")
        lows = []
        for label in context.classes:
            low = calibration.quantile("label_agreement", self.quantile, context.position(label))
            lows.append(self.min if self.min is not None else min(self.ceiling, low))
        return [Bound(name, "label_agreement", tuple(lows), (INFINITE,) * len(lows))]


class AgreementFilter(Rule):
    """Keep images that bear out what they were made from, as far as real images do: every
    ``<field>_agreement`` that was calibrated, but those of the label and of the identity."""

    quantile: float = Field(
        0.1, ge=0, lt=1, description="Share of held-out real images that would fail."
    )

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        calibration = context.calibrated(name)
        scores = [s for s in calibration.quantiles if s.endswith(AGREEMENT) and s not in APART]
        if not scores:
            raise SynthgenError(f"{name}: the generator's bundle has no reader of what it is given")
        every = len(context.classes)
        lows = {score: calibration.quantile(score, self.quantile) for score in scores}
        return [Bound(name, s, (low,) * every, (INFINITE,) * every) for s, low in lows.items()]


class IdentityFilter(Rule):
    """Keep edits that are nearer to their source than different real images are to each other."""

    min: float = Field(
        0.95, ge=0, le=1, description="Share of pairs of different real images that must be "
        "farther apart.",
    )  # fmt: skip
    quantile: float = Field(
        0.01, ge=0, lt=1, description="Share of held-out real images, hardly changed, that may "
        "fail at most: where more would, the limit is lower.",
    )  # fmt: skip

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        calibration = context.calibrated(name)
        if IDENTITY not in calibration.quantiles:
            raise SynthgenError(
                f"{name}: this generator's images are no edits of others, whose identity could be "
                "kept"
            )
        low = min(self.min, calibration.quantile(IDENTITY, self.quantile))
        every = len(context.classes)
        return [Bound(name, IDENTITY, (low,) * every, (INFINITE,) * every)]


class RealismFilter(Rule):
    """Keep images that lie among real ones in the label classifier's features."""

    quantile: float = Field(
        0.002, ge=0, lt=1, description="Share of held-out real images that would fail."
    )
    min: float | None = Field(None, ge=0, description="Least realism, in place of the quantile.")

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        calibration = context.calibrated(name, "realism")
        low = self.min if self.min is not None else calibration.quantile("realism", self.quantile)
        every = len(context.classes)
        return [Bound(name, "realism", (low,) * every, (INFINITE,) * every)]


class DiscriminatorFilter(Rule):
    """Keep images that the generator's own discriminator finds as real as it finds real ones."""

    quantile: float = Field(
        0.01,
        ge=0,
        lt=1,
        description="Share of held-out real images of the class that would fail; of all classes, "
        "where one has too few for it.",
    )
    min: float | None = Field(None, description="Least logit, in place of the quantile.")

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        if self.min is not None:
            lows = [self.min] * len(context.classes)
            return [Bound(name, DISCRIMINATOR, tuple(lows), (INFINITE,) * len(lows))]
        calibration = context.calibrated(name, DISCRIMINATOR)
        lows = []
        for label in context.classes:
            own = context.position(label)
            lows.append(_class_quantile(calibration, DISCRIMINATOR, own, self.quantile))
        return [Bound(name, DISCRIMINATOR, tuple(lows), (INFINITE,) * len(lows))]


COPIES = 0.99
"""Share of real images' copies that a threshold finds, where real images leave room for it."""


class MemorisedFilter(Rule):
    """Drop images that are nearer to a training image than other real images ever are.

    Not where images must agree with what they are given: such an image is as near to a training
    image as the given row is, and that row may be a training image's own.
    """

    quantile: float = Field(
        0.005,
        ge=0,
        lt=1,
        description="Share of held-out real images of the class "
        "that would fail; of all classes, where one has too few for it.",
    )
    max: float | None = Field(
        None, ge=0, description="Largest distance of a copy, in place of the quantile."
    )

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        if context.agrees:
            raise SynthgenError(
                f"{name}: images of this generator must agree with the rows that they are given, "
                "so that one near a training image only says that its row is; leave it out"
            )
        calibration = context.calibrated(name, "train_distance", "copy_distance")
        lows = []
        for label in context.classes:
            own = context.position(label)
            near = _class_quantile(calibration, "train_distance", own, self.quantile)
            copies = calibration.quantile("copy_distance", COPIES)
            lows.append(self.max if self.max is not None else min(near, copies))
        return [Bound(name, "train_distance", tuple(lows), (INFINITE,) * len(lows))]


class _RepeatFilter(Rule):
    quantile: float = Field(
        0.005,
        ge=0,
        lt=1,
        description="Share of held-out real images that have another real image as near.",
    )
    max: float | None = Field(
        None, ge=0, description="Largest distance of a copy, in place of the quantile."
    )
    scope: Literal["shard", "dataset"] = Field(
        "shard",
        description="Where sampling looks for repeats: within a shard, or over the whole dataset, "
        "for which the shards concerned are made again. synthgen filter always looks over all.",
    )

    def _distances(self, name: str, context: Context, kind: str) -> tuple[float, ...]:
        neighbour, copy = f"{kind}neighbour_distance", f"{kind}copy_distance"
        calibration = context.calibrated(name, neighbour, copy)
        found = []
        for label in context.classes:
            near = calibration.quantile(neighbour, self.quantile, context.position(label))
            copies = calibration.quantile(copy, COPIES)
            found.append(self.max if self.max is not None else min(near, copies))
        return tuple(found)


class NearDuplicateFilter(_RepeatFilter):
    """Drop images that are an earlier one moved by a pixel or two, or compressed again."""

    moved: bool = Field(True, description="Try small shifts too: finds moved copies, takes longer.")

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        reach = (2 if context.side >= 20 else 1) if self.moved else 0
        limits = self._distances(name, context, "")
        return [RepeatRule(name, "fingerprint", limits, reach, self.scope)]


class EmbeddingDuplicateFilter(_RepeatFilter):
    """Drop images that the label classifier's features hardly tell from an earlier one."""

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        limits = self._distances(name, context, "embedding_")
        return [RepeatRule(name, "embedding", limits, 0, self.scope)]


class ScoreFilter(Rule):
    """Bounds on any score by its name: for scores of one's own, or absolute limits."""

    score: str = Field(description="Name of the score.")
    min: float | None = Field(None, description="Least value.")
    max: float | None = Field(None, description="Largest value.")
    quantile: float | None = Field(
        None, ge=0, lt=0.5, description="Share of real images beyond each end, where no limit is."
    )

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        low, high = -INFINITE, INFINITE
        if self.quantile is not None:
            calibration = context.calibrated(name, self.score)
            low = calibration.quantile(self.score, self.quantile)
            high = calibration.quantile(self.score, 1 - self.quantile)
        low = self.min if self.min is not None else low
        high = self.max if self.max is not None else high
        every = len(context.classes)
        return [Bound(name, self.score, (low,) * every, (high,) * every)]
