"""Judge a finished dataset again with other filters, from its stored scores and bytes.

Nothing is sampled: rows that pass are copied, byte for byte, into a new dataset in their order.
Rows that were rejected and kept (``keep_rejects``) are judged again too and may come back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from synthgen.dataset.layout import Layout, load_line
from synthgen.dataset.manifest import Manifest, finished_manifest, refuse_damaged
from synthgen.dataset.receipts import order_hash, read_receipt
from synthgen.dataset.rows import Rows
from synthgen.dataset.run_folder import Mode, open_run
from synthgen.dataset.run_settings import settings_hash
from synthgen.dataset.writer import Made, write_shard
from synthgen.generators.generator import Generator
from synthgen.machine.progress import say
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import FilterSet, load_filters, overridden
from synthgen.spec.errors import SynthgenError
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.plan import Plan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.finished.origin import load_origin
from synthgen.stages.judging.stored_verdicts import Judged, judge_stored, read_rows
from synthgen.stages.sample.finish import finish
from synthgen.stages.sample.job import Job
from synthgen.storage.place import Place, place


@dataclass(frozen=True)
class FilterReport:
    """What was kept of how many, and why the others were not."""

    root: Place
    kept: int
    judged: int
    rejected: dict[str, dict[str, int]]
    splits: tuple[str, ...]

    def text(self) -> str:
        """Path, counts, rejects by reason."""
        lines = [f"dataset: {self.root}", f"kept:    {self.kept:,} of {self.judged:,} images"]
        for reason, by_class in self.rejected.items():
            if sum(by_class.values()):
                worst = ", ".join(f"{name} {count:,}" for name, count in by_class.items() if count)
                lines.append(f"rejects: {reason} {sum(by_class.values()):,} ({worst})")
        lines.append(load_line(self.root, self.splits))
        return "\n".join(lines)


def filter_dataset(settings: FilterSettings, mode: Mode = "new") -> FilterReport:
    """Make ``settings.out`` from those images of ``settings.dataset`` that pass the filters.

    Raises:
        SynthgenError: no finished dataset, no such filter, its generator is not to be found,
            nothing is left of a split, or ``settings.out`` lies in the dataset.
    """
    source = Layout(place(settings.dataset))
    manifest = finished_manifest(source)
    out = place(settings.out)
    source.refuse_inside(out)
    if manifest.parts:
        raise SynthgenError(
            f"{source.root}: was merged from other datasets; filter those, then merge them"
        )
    refuse_damaged(source, manifest)
    plan = manifest.plan
    generator = load_origin(source.root, manifest.generator, settings.generator)
    calibration = generator.calibration and Calibration.from_json(generator.calibration)
    side = min(generator.image.height, generator.image.width)
    filters = overridden(
        load_filters(
            settings.filters, calibration or None, plan.classes, side,
            agrees=generator.task.agrees, unseen=bool(generator.task.independent),
        ),
        settings.set,
    )  # fmt: skip
    judged = judge_stored(source, manifest, filters, generator)
    record = {
        **manifest.settings.record,
        "filters": filters.to_json(),
        "filtered_from": manifest.made.plan_hash,
        "filtered_settings": manifest.settings.hash,
    }
    kept = Kept(source, manifest, filters, record, tuple(judged))
    return write_kept(kept, generator, out, mode)


@dataclass(frozen=True)
class Kept:
    """Verdicts on a dataset's rows, and what the dataset of those that are kept is to say."""

    source: Layout
    manifest: Manifest
    filters: FilterSet
    """Whose reasons the verdicts count."""
    record: Mapping[str, Any]
    """The settings of the new dataset."""
    judged: tuple[Judged, ...]
    further: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict)
    """Scores that the rows have besides, ``float32`` for each shard in the order of ``judged``."""

    def rows(self, part: Judged) -> Rows:
        """Those of one shard that are kept."""
        rows = read_rows(self.source, self.manifest.plan.shards[part.place], self.manifest)
        known = {name: shards[part.place] for name, shards in self.further.items()}
        rows = replace(rows, scores={**rows.scores, **known})
        return rows.take(np.flatnonzero(part.verdicts == 0))


def write_kept(kept: Kept, generator: Generator, out: Place, mode: Mode = "new") -> FilterReport:
    """Copy the rows that are kept, byte for byte, into a new dataset; killed, it goes on.

    Raises:
        SynthgenError: nothing is left of a split, or ``out`` holds something else.
    """
    manifest, filters, plan = kept.manifest, kept.filters, kept.manifest.plan
    judged = list(kept.judged)
    new_plan, chosen = _new_plan(plan, judged)
    rejected = _rejected(judged, plan, filters)
    with open_run(out, kept.record, new_plan, mode) as (layout, held):
        if held.hash != new_plan.hash:
            raise SynthgenError(f"{out}: holds another dataset; use --overwrite or another --out")
        fingerprint = settings_hash(kept.record)
        for shard, part in zip(new_plan.shards, chosen, strict=True):
            order = order_hash(new_plan, shard, fingerprint, frozenset())
            receipt = read_receipt(layout, shard)
            if receipt is not None and receipt.order == order:
                continue
            made = Made(
                kept.rows(part), None, _rejected([part], plan, filters), {}, "filter", order
            )
            write_shard(layout, new_plan, shard, made)
        names = SampleSettings.model_fields
        own = {k: v for k, v in manifest.settings.without_filters().items() if k in names}
        job = Job(
            SampleSettings.parse(own), generator.name, generator.weights_sha256,
            tuple(manifest.made.class_keys[name] for name in plan.classes),
            new_plan, filters, fingerprint,
        )  # fmt: skip
        finish(layout, job, generator, kept.record, (*manifest.scores, *kept.further))
    total = sum(len(part.labels) for part in judged)
    say(f"{kept.source.root} -> {out}: {new_plan.rows:,} of {total:,} images kept")
    return FilterReport(out, new_plan.rows, total, rejected, tuple(new_plan.splits))


def _new_plan(plan: Plan, judged: list[Judged]) -> tuple[Plan, list[Judged]]:
    """The shards that keep any row, with their counts; a split that keeps none is an error."""
    shards, chosen, ordinals = [], [], dict.fromkeys(plan.splits, 0)
    for shard, part in zip(plan.shards, judged, strict=True):
        counts = np.bincount(part.labels[part.verdicts == 0], minlength=len(plan.classes))
        if counts.sum():
            quotas = tuple(int(count) for count in counts)
            shards.append(replace(shard, ordinal=ordinals[shard.split], quotas=quotas))
            chosen.append(part)
            ordinals[shard.split] += 1
    empty = [name for name, count in ordinals.items() if not count]
    if empty:
        raise SynthgenError(f"split '{empty[0]}': no image passes these filters; loosen them")
    return replace(plan, shards=tuple(shards)), chosen


def _rejected(
    judged: Sequence[Judged], plan: Plan, filters: FilterSet
) -> dict[str, dict[str, int]]:
    """By reason, then by class, how many images of these shards are thrown away."""
    labels = np.concatenate([part.labels for part in judged])
    verdicts = np.concatenate([part.verdicts for part in judged])
    counts = np.zeros((1 + len(filters.reasons), len(plan.classes)), dtype=np.int64)
    np.add.at(counts, (verdicts, labels), 1)
    by_reason = zip(filters.reasons, counts[1:].tolist(), strict=True)
    return {reason: dict(zip(plan.classes, row, strict=True)) for reason, row in by_reason}
