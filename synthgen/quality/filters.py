"""Filters: which candidates are kept, judged from their scores alone.

A filter set is data: it is printed, stored with the dataset and sent to workers as JSON.
Thresholds are quantiles of the scores of held-out real images, resolved when the set is made.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from synthgen.quality.calibration import Calibration
from synthgen.quality.known_rules import resolved, rule_kind, rule_names
from synthgen.quality.repeats import RepeatRule
from synthgen.quality.rule import Bound, Context, Rule
from synthgen.quality.rules import ScoreFilter
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.task import ALL

FINITE = "finite"
"""Score that the sampler adds: 1 where every value the generator gave was finite, else 0."""


@dataclass(frozen=True)
class FilterSet:
    """Bounds in the order in which they are asked; a reason may stand for several bounds.

    ``exact_duplicates`` and ``repeats`` are asked last, in order, of what has passed the bounds:
    whoever sees several images at once asks them.
    """

    classes: tuple[str, ...]
    bounds: tuple[Bound, ...]
    exact_duplicates: bool
    repeats: tuple[RepeatRule, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Names of what can reject an image; :meth:`judge` gives positions in this, from 1."""
        names = list(dict.fromkeys(bound.name for bound in self.bounds))
        names += ["exact_duplicate"] * self.exact_duplicates
        return (*names, *(rule.name for rule in self.repeats))

    @property
    def scores(self) -> frozenset[str]:
        """The scores that the bounds go by, but for :data:`FINITE`."""
        return frozenset(bound.score for bound in self.bounds) - {FINITE}

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
            if bound.score in self.scores - set(known):
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
            "repeats": [rule.to_json() for rule in self.repeats],
        }

    @staticmethod
    def from_json(record: dict[str, Any]) -> FilterSet:
        bounds = tuple(
            Bound(b["name"], b["score"], tuple(b["low"]), tuple(b["high"]))
            for b in record["bounds"]
        )
        repeats = tuple(RepeatRule.from_json(rule) for rule in record.get("repeats", ()))
        return FilterSet(tuple(record["classes"]), bounds, record["exact_duplicates"], repeats)

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
        named += ["exact_duplicate"] * self.exact_duplicates
        for rule in self.repeats:
            low, high = min(rule.distance), max(rule.distance)
            far = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g} by class"
            named.append(f"{rule.name}: {rule.code} within {far} of an earlier image's")
        return "; ".join(named)


DEFAULT = ("statistics", "label_agreement", "agreement", "identity", "realism", "memorised")
"""Rules of ``default``; what a bundle has no calibration for is left out of it."""

BY_LEARNERS = ("label_agreement", "agreement", "realism")
"""Rules that go by what a network has learnt of how things go together in real images."""

AUDIT: dict[str, dict[str, Any]] = {
    "statistics": {
        "scores": ("brightness", "contrast", "entropy", "sharpness", "grain"),
        "quantile": 0.001,
        "margin": 0.0,
        "per_class": True,
    },
    "label_agreement": {"quantile": 0.015},
    "realism": {"quantile": 0.01},
    "memorised": {},
    "near_duplicate": {"scope": "dataset"},
    "exact_duplicate": {},
}
"""Rules of ``audit``: all that tell a fault, each for under two in a hundred real images."""


def load_filters(
    spec: str,
    calibration: Calibration | None,
    classes: tuple[str, ...],
    side: int = 0,
    *,
    agrees: bool = False,
    unseen: bool = False,
) -> FilterSet:
    """``default``, ``audit``, ``none`` (validity only) or the path of a YAML file of rules.

    In the file a key is a rule of :data:`~synthgen.quality.rules.RULES` or of the entry point group
    ``synthgen.filters``, ``exact_duplicate``, or a name of one's own over a ``score`` with its
    limits; its value has the rule's settings. ``side`` is the images' smaller side in pixels;
    ``agrees`` says that images must agree with what they are given, which leaves ``memorised`` out
    of ``default`` and ``audit``.
    ``unseen`` says that images show together what real ones never do: who has learnt from real
    images alone takes their exceptions for faults, and :data:`BY_LEARNERS` are left out of both,
    and so are the statistics of single classes.

    Raises:
        SynthgenError: the file is not of filters, or the bundle has no calibration for them.
    """
    context = Context(spec, calibration, classes, side, agrees, unseen)
    chosen = _chosen(spec, context)
    every = len(classes)
    bounds = [
        Bound("validity", FINITE, (1.0,) * every, (1.0,) * every),
        # A constant image has no contrast; half a grey level is less than any other has.
        Bound("validity", "contrast", (1e-6,) * every, (float("inf"),) * every),
    ]
    repeats = []
    for name, rule in chosen.items():
        for found in resolved(rule, name, context) if rule is not None else ():
            if isinstance(found, Bound):
                bounds.append(found)
            else:
                repeats.append(found)
    return FilterSet(classes, tuple(bounds), "exact_duplicate" in chosen, tuple(repeats))


def _chosen(spec: str, context: Context) -> dict[str, Rule | None]:
    """Rules by name, in the order of asking; ``None`` for exact duplicates."""
    if spec == "none":
        return {}
    if spec == "default":
        context.calibrated("default")
        values: dict[str, Any] = {name: {} for name in DEFAULT if _possible(name, context)}
        values["exact_duplicate"] = {}
        values = _without_learners(values) if context.unseen else values
    elif spec == "audit":
        values = dict(AUDIT)
        if context.agrees:
            del values["memorised"]
        if _possible("agreement", context):
            values["agreement"] = {"quantile": 0.015}
        if _possible("identity", context):
            values["identity"] = {}
        values = _without_learners(values) if context.unseen else values
    else:
        values = read_yaml(spec)
        if not values:
            raise SynthgenError(f"{spec}: names no filters; --filters none turns them off")
    known = rule_names()
    chosen: dict[str, Rule | None] = {}
    for name, given in values.items():
        where = spec if spec in ("default", "audit") else f"{spec}: {name}"
        if name == "exact_duplicate":
            if given is not False:
                chosen[name] = None
            continue
        # A bare key ("label_agreement:") asks for the rule with its defaults.
        filled = {} if given is None else given
        own = isinstance(filled, dict) and "score" in filled
        if name not in known and not own:
            hint = did_you_mean(name, [*known, "exact_duplicate"])
            raise SynthgenError(
                f"{spec}: unknown key '{name}'{hint or '; see --help for all keys'}"
            )
        if not isinstance(filled, dict):
            raise SynthgenError(f"{where}: write its settings as a mapping, or nothing")
        kind = rule_kind(name) if name in known else ScoreFilter
        chosen[name] = kind.parse(filled, where)
    order = [*known, *chosen]
    return dict(sorted(chosen.items(), key=lambda item: order.index(item[0])))


def _without_learners(values: Mapping[str, Any]) -> dict[str, Any]:
    """The rules that judge an image whatever goes together in real ones."""
    found = {name: dict(own) for name, own in values.items() if name not in BY_LEARNERS}
    for own in found.values():
        own.pop("per_class", None)
    return found


def _possible(name: str, context: Context) -> bool:
    """Whether the bundle is calibrated for a rule of the default set; statistics always are."""
    try:
        resolved(rule_kind(name)(), name, context)
    except SynthgenError:
        # Rows without a label have none that they could agree with.
        return name == "statistics" or (name == "label_agreement" and context.classes != (ALL,))
    return True


def overridden(filters: FilterSet, limits: Mapping[str, float]) -> FilterSet:
    """The set with limits in place of its own: ``{"label_agreement.min": 0.9}``, for all classes.

    A score that no filter asks about yet gets a filter of its own name.

    Raises:
        SynthgenError: a key is not SCORE.min or SCORE.max, or its value is not possible.
    """
    bounds, repeats = list(filters.bounds), list(filters.repeats)
    every, infinite = len(filters.classes), float("inf")
    for key, value in limits.items():
        score, _, end = key.rpartition(".")
        if math.isnan(value):
            raise SynthgenError(f"limit '{key}': '{value}' is not a number")
        if not score or end not in ("min", "max"):
            raise SynthgenError(f"limit '{key}': write SCORE.min=X or SCORE.max=X")
        rules = [i for i, rule in enumerate(repeats) if rule.name == score]
        if rules and end == "max":
            if value < 0:
                raise SynthgenError(f"limit '{key}': a distance is not negative; {value:g} is")
            repeats[rules[0]] = replace(repeats[rules[0]], distance=(float(value),) * every)
            continue
        places = [i for i, b in enumerate(bounds) if b.score == score and b.name != "validity"]
        if not places:
            bounds.append(Bound(score, score, (-infinite,) * every, (infinite,) * every))
            places = [len(bounds) - 1]
        old, limit = bounds[places[0]], (float(value),) * every
        new = replace(old, low=limit) if end == "min" else replace(old, high=limit)
        bounds[places[0]] = new
    return replace(filters, bounds=tuple(bounds), repeats=tuple(repeats))
