"""Near copies over all shards of a dataset, for rules whose scope is the dataset."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.dataset.exclusions import Excluded
from synthgen.dataset.layout import Layout
from synthgen.quality.repeats import find_repeats
from synthgen.spec.plan import Plan
from synthgen.stages.finished.images import shard_images, stored_batches
from synthgen.stages.judging.scorer import coded, repeat_codes
from synthgen.stages.sample.tools import Tools


def find_near_repeats(layout: Layout, plan: Plan, tools: Tools) -> Excluded:
    """Rows that nearly repeat a row of an earlier shard; the first in the order of the plan stays.

    Codes of all images are in memory at once: 80 MB for 100,000 images with shifts tried.
    """
    rules = [rule for rule in tools.filters.repeats if rule.scope == "dataset"]
    found: dict[int, set[tuple[int, int]]] = {}
    if not rules or len(plan.shards) < 2:
        return {}
    codes = repeat_codes(rules, tools.scorer)
    generator = tools.generator
    parts: dict[str, list[torch.Tensor]] = {rule.name: [] for rule in rules}
    numbers = []
    for shard in plan.shards:
        files, labels, candidates = shard_images(layout, shard)
        for batch in stored_batches(files, generator.image):
            for name, part in coded(codes, torch.from_numpy(batch).to(generator.device)).items():
                parts[name].append(part)
        numbers.append(np.stack([np.full_like(labels, shard.index), labels, candidates], axis=1))
    rows = np.concatenate(numbers)
    for rule in rules:
        near = find_repeats(
            rule, torch.cat(parts[rule.name]), rows[:, 1], np.ones(len(rows), bool), rows[:, 0]
        )
        for shard_index, label, candidate in rows[near].tolist():
            found.setdefault(shard_index, set()).add((label, candidate))
    return {index: frozenset(pairs) for index, pairs in found.items()}
