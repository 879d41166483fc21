"""What a table of utility has on record of how its classifiers were trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from synthgen.spec.settings.utility import UtilitySettings
from synthgen.stages.finished.dataset import Dataset
from synthgen.stages.utility.attribute import Target
from synthgen.stages.utility.places import PlaceTarget
from synthgen.stages.utility.soft_labels import takes_soft_labels
from synthgen.training.fixed_budget import AnyBudget


def protocol_of(
    settings: UtilitySettings, budget: AnyBudget, dataset: Dataset,
    target: Target | PlaceTarget | None, measure: str,
) -> dict[str, Any]:  # fmt: skip
    """The budget, how synthetic images are mixed with real ones, who says what they show, and what
    is learnt, where that is not the label. ``measure`` is that of a column of places."""
    found = {
        **asdict(budget),
        "synthetic_share": settings.synthetic_share,
        "finish_on_real": settings.finish_on_real,
        "soft_labels": target is None and takes_soft_labels(settings, dataset),
        "teachers": settings.teachers,
    }
    if isinstance(target, PlaceTarget):
        return {**found, "learn": target.name, "measure": measure}
    return found if target is None else {**found, "attribute": target.name}
