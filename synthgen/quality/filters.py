"""Filters: which candidates are kept, judged from their scores alone.

A filter set is data: it is printed, stored with the dataset and sent to workers as JSON.
Thresholds are quantiles of the scores of held-out real images, resolved when the set is made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import torch
from pydantic import Field
from torch import Tensor

from synthgen.quality.calibration import Calibration
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings import Settings, read_yaml

FINITE = "finite"
"""Score that the sampler adds: 1 where every value the generator gave was finite, else 0."""


@dataclass(frozen=True)
class Bound:
    """Keep where ``low[label] <= score <= high[label]``; the class' position is the label."""

    name: str
    score: str
    low: tuple[float, ...]
    high: tuple[float, ...]

    def keep(self, scores: dict[str, Tensor], labels: Tensor) -> Tensor:
        """``bool [N]`` from scores ``float32 [N]`` and labels ``int64 [N]``. Not-a-number fails."""
        value = scores[self.score]
        low = torch.tensor(self.low, device=value.device, dtype=value.dtype)[labels]
        high = torch.tensor(self.high, device=value.device, dtype=value.dtype)[labels]
        return (value >= low) & (value <= high)


@dataclass(frozen=True)
class FilterSet:
    """Bounds in the order in which they are asked; a reason may stand for several bounds.

    ``exact_duplicates`` is the sampler's own: it alone sees several images at once.
    """

    classes: tuple[str, ...]
    bounds: tuple[Bound, ...]
    exact_duplicates: bool

    @property
    def reasons(self) -> tuple[str, ...]:
        """Names of what can reject an image; :meth:`judge` gives positions in this, from 1."""
        names = list(dict.fromkeys(bound.name for bound in self.bounds))
        return tuple(names + ["exact_duplicate"] * self.exact_duplicates)

    def judge(self, scores: dict[str, Tensor], labels: Tensor) -> Tensor:
        """``int64 [N]``: 0 to keep, or the position (from 1) of the first reason to reject.

        ``labels int64 [N]`` are positions in ``classes``.
        """
        verdicts = torch.zeros(len(labels), dtype=torch.int64, device=labels.device)
        for bound in self.bounds:
            rejected = ~bound.keep(scores, labels) & (verdicts == 0)
            verdicts[rejected] = self.reasons.index(bound.name) + 1
        return verdicts

    def check_scores(self, known: Collection[str], where: str) -> None:
        """Refuse to judge by scores that there are not.

        Raises:
            SynthgenError: a bound asks for a score that is not ``known``.
        """
        for bound in self.bounds:
            if bound.score not in known and bound.score != FINITE:
                raise SynthgenError(
                    f"filter '{bound.name}' asks for the score '{bound.score}', which {where} "
                    f"not have (it has {', '.join(known)}); choose other --filters"
                )

    def to_json(self) -> dict[str, Any]:
        return {
            "classes": list(self.classes),
            "bounds": [
                {"name": b.name, "score": b.score, "low": list(b.low), "high": list(b.high)}
                for b in self.bounds
            ],
            "exact_duplicates": self.exact_duplicates,
        }

    @staticmethod
    def from_json(record: dict[str, Any]) -> FilterSet:
        bounds = tuple(
            Bound(b["name"], b["score"], tuple(b["low"]), tuple(b["high"]))
            for b in record["bounds"]
        )
        return FilterSet(tuple(record["classes"]), bounds, record["exact_duplicates"])

    def __str__(self) -> str:
        lines = []
        for bound in self.bounds:
            if bound.name == "validity":
                continue
            if len(set(zip(bound.low, bound.high, strict=True))) == 1:
                lines.append(
                    f"{bound.name}: {bound.score} {bound.low[0]:.3g} to {bound.high[0]:.3g}"
                )
                continue
            parts = []
            for name, low, high in zip(self.classes, bound.low, bound.high, strict=True):
                ends = f">= {low:.3g}" if high == float("inf") else f"{low:.3g} to {high:.3g}"
                parts.append(f"{name} {ends}")
            lines.append(f"{bound.name}: {bound.score} {name_list(parts)}")
        named = (["validity"] if self.bounds else []) + lines
        return "; ".join(named + ["exact_duplicate"] * self.exact_duplicates)


Statistic = Literal["brightness", "contrast", "entropy", "sharpness"]


class StatisticsFilter(Settings):
    """Keep images whose statistics lie within real ones."""

    scores: tuple[Statistic, ...] = Field(get_args(Statistic), description="Statistics to look at.")
    quantile: float = Field(
        0.001, ge=0, lt=0.5, description="Share of real images beyond each end."
    )
    margin: float = Field(
        0.1, ge=0, description="Widening of both ends, as a share of the range between them."
    )


class LabelAgreementFilter(Settings):
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


class FilterFile(Settings):
    """A YAML file of filters: a key turns its filter on; validity always is."""

    statistics: StatisticsFilter | None = None
    label_agreement: LabelAgreementFilter | None = None
    exact_duplicate: bool = False


DEFAULT = FilterFile(
    statistics=StatisticsFilter.parse({}),
    label_agreement=LabelAgreementFilter.parse({}),
    exact_duplicate=True,
)


def load_filters(spec: str, calibration: Calibration | None, classes: tuple[str, ...]) -> FilterSet:
    """``default``, ``none`` (validity only) or the path of a YAML file, for these classes.

    Raises:
        SynthgenError: the file is not of filters, or the bundle has no calibration for them.
    """
    if spec == "none":
        chosen = FilterFile()
    elif spec == "default":
        chosen = DEFAULT
    else:
        values = read_yaml(spec)
        # A bare key ("label_agreement:") asks for the filter with its defaults.
        filled = {key: {} if value is None else value for key, value in values.items()}
        _check_nested(filled, spec)
        chosen = FilterFile.parse(filled, spec)
    infinite = float("inf")
    every = len(classes)
    bounds = [
        Bound("validity", FINITE, (1.0,) * every, (1.0,) * every),
        # A constant image has no contrast; half a grey level is less than any other has.
        Bound("validity", "contrast", (1e-6,) * every, (infinite,) * every),
    ]
    if chosen.statistics is not None:
        bounds += _statistics(chosen.statistics, _needed(calibration, spec), classes)
    if chosen.label_agreement is not None:
        bounds.append(_agreement(chosen.label_agreement, _needed(calibration, spec), classes))
    return FilterSet(classes, tuple(bounds), chosen.exact_duplicate)


def _check_nested(values: dict[str, Any], where: str) -> None:
    known: dict[str, type[Settings]] = {
        "statistics": StatisticsFilter,
        "label_agreement": LabelAgreementFilter,
    }
    for key, inner in values.items():
        if key in known and isinstance(inner, dict):
            known[key].parse(inner, f"{where}: {key}")


def _needed(calibration: Calibration | None, spec: str) -> Calibration:
    if calibration is None:
        raise SynthgenError(
            f"filters '{spec}' need the calibration on real images that this generator's "
            f"bundle does "
            "not have; use --filters none"
        )
    return calibration


def _statistics(
    settings: StatisticsFilter, calibration: Calibration, classes: tuple[str, ...]
) -> list[Bound]:
    bounds = []
    for score in settings.scores:
        # Of all classes together: a class of few images has no tails to speak of, and whether an
        # image shows its class is the label classifier's to say.
        low = calibration.quantile(score, settings.quantile)
        high = calibration.quantile(score, 1 - settings.quantile)
        margin = settings.margin * (high - low)
        ends = ((low - margin,) * len(classes), (high + margin,) * len(classes))
        bounds.append(Bound("statistics", score, *ends))
    return bounds


def _agreement(
    settings: LabelAgreementFilter, calibration: Calibration, classes: tuple[str, ...]
) -> Bound:
    if "label_agreement" not in calibration.quantiles:
        raise SynthgenError("label_agreement: the generator's bundle has no label classifier")
    lows = tuple(
        settings.min
        if settings.min is not None
        else min(
            settings.ceiling,
            calibration.quantile("label_agreement", settings.quantile, _label(calibration, name)),
        )
        for name in classes
    )
    return Bound("label_agreement", "label_agreement", lows, (float("inf"),) * len(classes))


def _label(calibration: Calibration, name: str) -> int:
    if name not in calibration.classes:
        hint = did_you_mean(name, calibration.classes)
        raise SynthgenError(f"class '{name}' is not in the generator's calibration{hint}")
    return calibration.classes.index(name)


def overridden(filters: FilterSet, limits: Mapping[str, float]) -> FilterSet:
    """The set with limits in place of its own: ``{"label_agreement.min": 0.9}``, for all classes.

    A score that no filter asks about yet gets a filter of its own name.

    Raises:
        SynthgenError: a key is not SCORE.min or SCORE.max.
    """
    bounds = list(filters.bounds)
    every, infinite = len(filters.classes), float("inf")
    for key, value in limits.items():
        score, _, end = key.rpartition(".")
        if not score or end not in ("min", "max"):
            raise SynthgenError(f"limit '{key}': write SCORE.min=X or SCORE.max=X")
        places = [i for i, b in enumerate(bounds) if b.score == score and b.name != "validity"]
        if not places:
            bounds.append(Bound(score, score, (-infinite,) * every, (infinite,) * every))
            places = [len(bounds) - 1]
        old, limit = bounds[places[0]], (float(value),) * every
        new = replace(old, low=limit) if end == "min" else replace(old, high=limit)
        bounds[places[0]] = new
    return replace(filters, bounds=tuple(bounds))
