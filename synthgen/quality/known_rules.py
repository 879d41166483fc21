"""The rules by their names in a filter file: synthgen's own, and those of other packages."""

from __future__ import annotations

import math

from synthgen.quality.repeats import RepeatRule
from synthgen.quality.rule import Bound, Context, Rule
from synthgen.quality.rules import (
    AgreementFilter,
    DiscriminatorFilter,
    EmbeddingDuplicateFilter,
    IdentityFilter,
    LabelAgreementFilter,
    MemorisedFilter,
    NearDuplicateFilter,
    RealismFilter,
    ScoreFilter,
    StatisticsFilter,
)
from synthgen.spec.plugins import plugins

GROUP = "synthgen.filters"

RULES: dict[str, type[Rule]] = {
    "statistics": StatisticsFilter,
    "label_agreement": LabelAgreementFilter,
    "agreement": AgreementFilter,
    "identity": IdentityFilter,
    "realism": RealismFilter,
    "discriminator": DiscriminatorFilter,
    "memorised": MemorisedFilter,
    "near_duplicate": NearDuplicateFilter,
    "embedding_duplicate": EmbeddingDuplicateFilter,
}
"""Name in a filter file to its rule, in the order in which they are asked."""


def rule_names() -> tuple[str, ...]:
    """The rules above and those of the entry point group, in the order in which they are asked."""
    return tuple(dict.fromkeys([*RULES, *plugins(GROUP, "filter")]))


def rule_kind(name: str) -> type[Rule]:
    """The rule of this name, one of :func:`rule_names`.

    Raises:
        SynthgenError: it is another package's and no rule, or cannot be loaded.
    """
    plugin = plugins(GROUP, "filter").get(name)
    if plugin is None:
        return RULES[name]
    if name in RULES:
        raise plugin.fault("has the name of a rule of synthgen's own")
    kind = plugin.load()
    if not (isinstance(kind, type) and issubclass(kind, Rule)):
        raise plugin.fault("is no subclass of synthgen.quality.rule.Rule")
    return kind


def resolved(rule: Rule, name: str, context: Context) -> list[Bound | RepeatRule]:
    """What a rule comes to; of another package's, looked at before anybody is judged by it.

    Raises:
        SynthgenError: the bundle is not calibrated for it, or it gives no bounds.
    """
    plugin = plugins(GROUP, "filter").get(name)
    if plugin is None or type(rule) is ScoreFilter:
        return rule.resolve(name, context)
    with plugin.minding("fails"):
        found = list(rule.resolve(name, context))
    count = len(context.classes)
    for each in found:
        if isinstance(each, Bound):
            fits = len(each.low) == len(each.high) == count
            fits = fits and not any(map(math.isnan, (*each.low, *each.high)))
        else:
            fits = isinstance(each, RepeatRule) and len(each.distance) == count
        if not fits:
            raise plugin.fault(f"gives no limits for each of {count} classes: {each!r:.80}")
    return found
