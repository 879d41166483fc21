"""What a sampling run makes: the job that every worker of it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from synthgen.dataset.exclusions import read_exclusions
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import is_done, order_hash
from synthgen.quality.filters import FilterSet
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.refinement import Refinement
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.soft_labels import SoftLabels

Tell = Callable[[int], Any]
"""Is told of images as they are accepted."""


@dataclass(frozen=True)
class Job:
    """Everything a worker needs to make any shard of a run."""

    settings: SampleSettings
    """With a batch size."""
    generator: str
    """Bundled name, folder or hub id, as the user gave it."""
    generator_sha256: str
    class_keys: tuple[int, ...]
    """The generator's index of each of the plan's classes."""
    plan: Plan
    filters: FilterSet
    settings_hash: str
    soft_labels: SoftLabels | None = None
    """Whose they are, where there are any."""
    refined: Refinement | None = None
    """What latents are refined towards, if they are."""

    def order(self, shard: ShardPlan, excluded: frozenset[tuple[int, int]]) -> str:
        """The order that a shard's receipt must carry."""
        return order_hash(self.plan, shard, self.settings_hash, excluded)


def todo(layout: Layout, job: Job) -> list[ShardPlan]:
    """The shards that are not done."""
    excluded = read_exclusions(layout)
    return [
        shard
        for shard in job.plan.shards
        if not is_done(layout, shard, job.order(shard, excluded.get(shard.index, frozenset())))
    ]
