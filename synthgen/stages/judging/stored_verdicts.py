"""Verdicts on the rows of a finished dataset, from their stored scores and their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest
from synthgen.dataset.rows import Rows
from synthgen.generators.generator import Generator
from synthgen.quality.filters import FINITE, FilterSet
from synthgen.quality.repeats import find_repeats
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import ShardPlan
from synthgen.stages.finished.images import image_files, stored_batches
from synthgen.stages.judging.scorer import coded, make_scorer, repeat_codes
from synthgen.storage.tables import read_table


@dataclass
class Judged:
    """The verdicts on one shard's rows: 0 to keep, i for ``reasons[i - 1]``."""

    place: int
    """Of the shard in the plan."""
    labels: np.ndarray
    pixel_hashes: np.ndarray
    verdicts: np.ndarray
    codes: dict[str, Tensor]
    """What near repeats are told by, for each rule: ``int8 [N, S, 32]``."""


def judge_stored(
    layout: Layout,
    manifest: Manifest,
    filters: FilterSet,
    generator: Generator,
) -> list[Judged]:
    """Judge all rows, and the rejects where they were kept; repeats over the whole dataset.

    Scores come from the columns. What is no column (the dataset is older than the score, or than
    its bundle's reference) is measured on the pixels, unless they went through JPEG.

    Raises:
        SynthgenError: a score is neither stored nor to be measured.
    """
    look = _Look(layout, manifest, filters, generator)
    judged = []
    for place, shard in enumerate(manifest.plan.shards):
        rows = read_rows(layout, shard, manifest)
        scores, codes = look.at(rows)
        verdicts = filters.judge(scores, torch.from_numpy(rows.labels)).numpy()
        judged.append(Judged(place, rows.labels, rows.pixel_hashes, verdicts, codes))
    if filters.exact_duplicates:
        _drop_exact(judged, filters.reasons.index("exact_duplicate") + 1)
    _drop_near(judged, filters)
    return judged


class _Look:
    """What is looked at beside stored scores."""

    def __init__(
        self, layout: Layout, manifest: Manifest, filters: FilterSet, generator: Generator
    ) -> None:
        self._image = generator.image
        measurable = manifest.settings.image_format != "jpeg"
        self._missing = sorted(filters.scores - set(manifest.scores))
        self._scorer = make_scorer(generator, self._missing)
        for name in self._missing:
            if not measurable or name not in self._scorer.names:
                raise SynthgenError(f"{layout.root}: has no score '{name}' to filter by")
        self._codes = repeat_codes(filters.repeats, self._scorer)

    def at(self, rows: Rows) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """All scores asked for ``[N]``, and codes ``int8 [N, S, 32]`` by rule."""
        scores = {name: torch.from_numpy(values) for name, values in rows.scores.items()}
        scores[FINITE] = torch.ones(len(rows))
        found: dict[str, list[Tensor]] = {name: [] for name in self._missing}
        codes: dict[str, list[Tensor]] = {name: [] for name in self._codes}
        done = 0
        for batch in stored_batches(rows.encoded if found or codes else (), self._image):
            pixels = torch.from_numpy(batch)
            keys = torch.from_numpy(rows.generator_classes[done : done + len(batch)])
            done += len(batch)
            measured = self._scorer(pixels, keys) if found else {}
            for name, parts in found.items():
                parts.append(measured[name])
            for name, part in coded(self._codes, pixels).items():
                codes[name].append(part)
        scores.update({name: torch.cat(parts) for name, parts in found.items()})
        return scores, {name: torch.cat(parts) for name, parts in codes.items()}


def read_rows(layout: Layout, shard: ShardPlan, manifest: Manifest) -> Rows:
    """A shard's rows, and after them its rejects where they were kept."""
    tables = [read_table(layout.data / shard.name)]
    thrown = layout.rejects / shard.name
    if thrown.is_file():
        rejects = read_table(thrown)
        # What was not valid has no pixels worth judging.
        valid = pc.not_equal(rejects.column("reason"), "validity")
        tables.append(rejects.filter(valid).drop_columns(["reason"]))
    return Rows.concat([_rows(table, manifest) for table in tables])


def _rows(table: pa.Table, manifest: Manifest) -> Rows:
    columns = manifest.columns

    def numbers(name: str) -> np.ndarray:
        return np.array(table.column(name).to_numpy())

    return Rows(
        image_files(table, "image"),
        numbers("label"),
        numbers("candidate"),
        numbers("generator_class"),
        numbers("pixel_hash"),
        {name: numbers(name) for name in manifest.scores},
        None,
        columns,
        {name: table.column(name).to_pylist() for name in columns.names},
    )


def _drop_exact(judged: list[Judged], reason: int) -> None:
    """Reject images whose pixels a kept image before them has."""
    seen: set[int] = set()
    for part in judged:
        for row in np.flatnonzero(part.verdicts == 0):
            value = int(part.pixel_hashes[row])
            if value in seen:
                part.verdicts[row] = reason
            seen.add(value)


def _drop_near(judged: list[Judged], filters: FilterSet) -> None:
    """Reject images that nearly repeat a kept image before them, rule by rule."""
    ends = np.cumsum([len(part.labels) for part in judged])[:-1]
    labels = np.concatenate([part.labels for part in judged])
    for rule in filters.repeats:
        verdicts = np.concatenate([part.verdicts for part in judged])
        codes = torch.cat([part.codes[rule.name] for part in judged])
        repeats = find_repeats(rule, codes, labels, verdicts == 0)
        verdicts[repeats] = filters.reasons.index(rule.name) + 1
        for part, own in zip(judged, np.split(verdicts, ends), strict=True):
            part.verdicts = own
