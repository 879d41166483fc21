"""Judge a finished dataset again with other filters, from its stored scores and bytes.

Nothing is sampled: rows that pass are copied, byte for byte, into a new dataset in their order.
Rows that were rejected and kept (``keep_rejects``) are judged again too and may come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from synthgen.dataset.layout import Layout, load_line
from synthgen.dataset.manifest import read_manifest
from synthgen.dataset.receipts import order_hash, read_receipt, refuse_damaged
from synthgen.dataset.rows import Rows
from synthgen.dataset.run_folder import Mode, open_run, settings_hash
from synthgen.dataset.writer import Made, write_shard
from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import FINITE, FilterSet, load_filters, overridden
from synthgen.spec.errors import SynthgenError
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.sample_settings import SampleSettings
from synthgen.stages.finish_dataset import finish
from synthgen.stages.progress import say
from synthgen.stages.shard_maker import Job
from synthgen.storage.place import Place, place
from synthgen.storage.tables import read_table


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
        SynthgenError: no finished dataset, no such filter, its generator is not to be found, or
            nothing is left of a split.
    """
    source = Layout(place(settings.dataset))
    if not source.is_complete() or not source.manifest.is_file():
        raise SynthgenError(f"{source.root}: is no finished synthgen dataset")
    manifest = read_manifest(source)
    if "parts" in manifest:
        raise SynthgenError(
            f"{source.root}: was merged from other datasets; filter those, then merge them"
        )
    refuse_damaged(source, manifest)
    plan = Plan.from_json(manifest["plan"])
    generator = load_generator(settings.generator or manifest["generator"]["name"], "cpu", "fp32")
    if generator.weights_sha256 != manifest["generator"]["weights_sha256"]:
        raise SynthgenError(
            f"generator '{generator.name}' is not the one that made {source.root}; name the right "
            "bundle with --generator"
        )
    calibration = generator.calibration and Calibration.from_json(generator.calibration)
    filters = overridden(
        load_filters(settings.filters, calibration or None, plan.classes), settings.set
    )
    judged = [_judge(source, plan, place, filters, manifest) for place in range(len(plan.shards))]
    if filters.exact_duplicates:
        _drop_repeats(judged, plan)
    new_plan, chosen = _new_plan(plan, judged)
    record = {
        **manifest["settings"],
        "filters": filters.to_json(),
        "filtered_from": manifest["plan_hash"],
        "filtered_settings": settings_hash(manifest["settings"]),
    }
    rejected = _rejected(judged, plan, filters)
    out = place(settings.out)
    with open_run(out, record, new_plan, mode) as (layout, held):
        if held.hash != new_plan.hash:
            raise SynthgenError(f"{out}: holds another dataset; use --overwrite or another --out")
        fingerprint = settings_hash(record)
        for shard, part in zip(new_plan.shards, chosen, strict=True):
            order = order_hash(new_plan, shard, fingerprint, frozenset())
            receipt = read_receipt(layout, shard)
            if receipt is not None and receipt.order == order:
                continue
            rows = _read(source, plan.shards[part.place], manifest)
            kept = rows.take(np.flatnonzero(part.verdicts == 0))
            made = Made(kept, None, _of_shard(part, filters, plan), {}, "filter", order)
            write_shard(layout, new_plan, shard, made)
        names = SampleSettings.model_fields
        own = {k: v for k, v in manifest["settings"].items() if k in names and k != "filters"}
        job = Job(
            SampleSettings.parse(own), generator.name, generator.weights_sha256,
            tuple(manifest["class_keys"][name] for name in plan.classes),
            new_plan, filters, fingerprint,
        )  # fmt: skip
        finish(layout, job, generator, record)
    total = sum(len(part.labels) for part in judged)
    say(f"{source.root} -> {out}: {new_plan.rows:,} of {total:,} images kept")
    return FilterReport(out, new_plan.rows, total, rejected, tuple(new_plan.splits))


@dataclass
class _Judged:
    """The verdicts on one shard's rows: 0 to keep, i for ``reasons[i - 1]``, -1 for a repeat."""

    place: int
    """Of the shard in the old plan."""
    labels: np.ndarray
    pixel_hashes: np.ndarray
    verdicts: np.ndarray


def _judge(
    layout: Layout, plan: Plan, place: int, filters: FilterSet, manifest: dict[str, Any]
) -> _Judged:
    rows = _read(layout, plan.shards[place], manifest)
    scores = {name: torch.from_numpy(values) for name, values in rows.scores.items()}
    scores[FINITE] = torch.ones(len(rows))
    missing = {bound.score for bound in filters.bounds} - set(scores)
    if missing:
        raise SynthgenError(f"{layout.root}: has no score '{min(missing)}' to filter by")
    verdicts = filters.judge(scores, torch.from_numpy(rows.labels)).numpy()
    return _Judged(place, rows.labels, rows.pixel_hashes, verdicts)


def _read(layout: Layout, shard: ShardPlan, manifest: dict[str, Any]) -> Rows:
    """A shard's rows, and after them its rejects where they were kept."""
    tables = [read_table(layout.data / shard.name)]
    thrown = layout.rejects / shard.name
    if thrown.is_file():
        rejects = read_table(thrown)
        # What was not valid has no pixels worth judging.
        valid = pc.not_equal(rejects.column("reason"), "validity")
        tables.append(rejects.filter(valid).drop_columns(["reason"]))
    return Rows.concat([_rows(table, manifest) for table in tables])


def _rows(table: pa.Table, manifest: dict[str, Any]) -> Rows:
    paired = bool(manifest["generator"].get("domains"))

    def files(name: str) -> list[bytes]:
        column = table.column(name).combine_chunks()
        return [bytes(item) for item in column.field("bytes").to_pylist()]

    def numbers(name: str) -> np.ndarray:
        return np.array(table.column(name).to_numpy())

    return Rows(
        files("image"),
        numbers("label"),
        numbers("candidate"),
        numbers("generator_class"),
        numbers("pixel_hash"),
        {name: numbers(name) for name in manifest["scores"]},
        None,
        files("source") if paired else None,
        manifest["generator"]["domains"][1] if paired else "",
    )


def _drop_repeats(judged: list[_Judged], plan: Plan) -> None:
    """Reject images whose pixels a kept image before them has; the last reason is the repeat's."""
    seen: set[int] = set()
    for part in judged:
        for row in np.flatnonzero(part.verdicts == 0):
            value = int(part.pixel_hashes[row])
            if value in seen:
                part.verdicts[row] = -1
            seen.add(value)


def _new_plan(plan: Plan, judged: list[_Judged]) -> tuple[Plan, list[_Judged]]:
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


def _of_shard(part: _Judged, filters: FilterSet, plan: Plan) -> dict[str, dict[str, int]]:
    found = {reason: dict.fromkeys(plan.classes, 0) for reason in filters.reasons}
    for position, reason in _reasons(filters):
        labels = part.labels[part.verdicts == position]
        for label, count in enumerate(np.bincount(labels, minlength=len(plan.classes))):
            found[reason][plan.classes[label]] += int(count)
    return found


def _reasons(filters: FilterSet) -> Iterator[tuple[int, str]]:
    yield from enumerate(filters.reasons, start=1)
    if filters.exact_duplicates:
        yield -1, "exact_duplicate"


def _rejected(judged: list[_Judged], plan: Plan, filters: FilterSet) -> dict[str, dict[str, int]]:
    total = {reason: dict.fromkeys(plan.classes, 0) for reason in filters.reasons}
    for part in judged:
        for reason, by_class in _of_shard(part, filters, plan).items():
            for name, count in by_class.items():
                total[reason][name] += count
    return total
