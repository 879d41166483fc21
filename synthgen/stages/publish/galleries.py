"""Pictures for the report: a random choice of each class, and those that filters nearly kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthgen.dataset.manifest import Manifest
from synthgen.evaluation.evidence import picture
from synthgen.evaluation.report.content import Gallery, Shot
from synthgen.stages.finished.dataset import Dataset
from synthgen.stages.finished.images import first_images, stored_image
from synthgen.storage.place import Place
from synthgen.storage.tables import open_parquet, read_table

EACH = 28
MANY = 14
"""Pictures of each class; the latter where there are more than ten classes."""

MOST_CLASSES = 40

JUDGED = 16
"""Pictures of each kind of reject."""

MOST_SHARDS = 4
"""Shards that borderline images are looked for in."""


def samples(dataset: Dataset) -> tuple[Gallery, ...]:
    """The first images of each class: rows lie in a random order, so they are a random choice."""
    classes = dataset.plan.classes[:MOST_CLASSES]
    each = EACH if len(classes) <= 10 else MANY
    counts = dataset.plan.per_class
    found: dict[int, list[Shot]] = {label: [] for label in range(len(classes))}
    missing = {label: min(each, counts[name]) for label, name in enumerate(classes)}
    for pixels, labels in first_images(dataset.layout, dataset.plan, dataset.image):
        for row, label in enumerate(labels.tolist()):
            if missing.get(label, 0):
                found[label].append(Shot(picture(pixels(row)), classes[label]))
                missing[label] -= 1
        if not any(missing.values()):
            break
    return tuple(
        Gallery(name, f"{counts[name]:,} images", tuple(found[label]))
        for label, name in enumerate(classes)
    )


def judged(dataset: Dataset) -> tuple[Gallery, ...]:
    """Of each reason the worst and the nearest misses, and what was kept only just."""
    bounds = _bounds(dataset.manifest)
    kept = [_scored(dataset.layout.data / shard.name, bounds)
            for shard in dataset.plan.shards[:MOST_SHARDS]]  # fmt: skip
    galleries: list[Gallery] = []
    if any(bounds.values()):
        scale = _scales(kept)
        galleries += _only_just(dataset, bounds, kept, scale)
        if dataset.layout.rejects.is_dir():
            galleries += _rejects(dataset, bounds, scale)
    return tuple(galleries)


@dataclass(frozen=True)
class _Bound:
    """One limit of a filter; class by class."""

    score: str
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class _Scored:
    """The scores of a file's rows."""

    path: Place
    labels: np.ndarray
    scores: dict[str, np.ndarray]
    reasons: np.ndarray | None


def _bounds(manifest: Manifest) -> dict[str, list[_Bound]]:
    """Reason to limits, out of the dataset's own record of its filters."""
    found: dict[str, list[_Bound]] = {}
    known = set(manifest.scores)
    for bound in manifest.settings.bounds:
        if bound["name"] != "validity" and bound["score"] in known:
            one = _Bound(bound["score"], tuple(bound["low"]), tuple(bound["high"]))
            found.setdefault(bound["name"], []).append(one)
    return found


def _scored(path: Place, bounds: Mapping[str, Sequence[_Bound]]) -> _Scored:
    names = sorted({bound.score for group in bounds.values() for bound in group})
    has_reason = "reason" in open_parquet(path).schema_arrow.names
    table = read_table(path, ["label", *names, *(["reason"] if has_reason else [])])
    scores = {name: np.asarray(table.column(name), dtype=np.float64) for name in names}
    reasons = np.array(table.column("reason").to_pylist()) if has_reason else None
    return _Scored(path, np.asarray(table.column("label")), scores, reasons)


def _scales(kept: Sequence[_Scored]) -> dict[str, float]:
    """The spread of each score over kept images: what a distance to a limit is measured in."""
    return {
        name: float(np.concatenate([part.scores[name] for part in kept]).std()) or 1.0
        for name in kept[0].scores
    }


def _margin(part: _Scored, group: Sequence[_Bound], scale: Mapping[str, float]) -> np.ndarray:
    """How far within all limits of a reason each row is; negative outside."""
    margins = []
    for bound in group:
        value = part.scores[bound.score]
        low, high = (np.array(end)[part.labels] for end in (bound.low, bound.high))
        margins.append(np.minimum(value - low, high - value) / scale[bound.score])
    least: np.ndarray = np.min(margins, axis=0)
    return least


def _only_just(
    dataset: Dataset, bounds: Mapping[str, Sequence[_Bound]], kept: Sequence[_Scored],
    scale: Mapping[str, float],
) -> Iterator[Gallery]:  # fmt: skip
    for reason, group in bounds.items():
        ranked = _ranked(kept, [_margin(part, group, scale) for part in kept], worst=False)
        yield Gallery(
            f"Kept only just: {reason.replace('_', ' ')}",
            "Kept, and nearest to the limit of this filter.",
            _shots(dataset, ranked, group),
        )


def _rejects(
    dataset: Dataset, bounds: Mapping[str, Sequence[_Bound]], scale: Mapping[str, float]
) -> Iterator[Gallery]:
    files = [dataset.layout.rejects / shard.name for shard in dataset.plan.shards]
    there = [path for path in files if path.is_file()][:MOST_SHARDS]
    thrown = [_scored(path, bounds) for path in there]
    for reason, group in bounds.items():
        margins = []
        for part in thrown:
            assert part.reasons is not None
            own = _margin(part, group, scale)
            margins.append(np.where(part.reasons == reason, own, np.nan))
        for worst, title, note in (
            (True, "Thrown away, the worst", "Furthest beyond the limit of this filter."),
            (False, "Thrown away only just", "Nearest to the limit: were they worth keeping?"),
        ):
            ranked = _ranked(thrown, margins, worst=worst, inside=False)
            if ranked:
                name = f"{title}: {reason.replace('_', ' ')}"
                yield Gallery(name, note, _shots(dataset, ranked, group))


def _ranked(
    parts: Sequence[_Scored], margins: Sequence[np.ndarray], *, worst: bool, inside: bool = True
) -> list[tuple[_Scored, int]]:
    """Rows by their distance to the limit: the nearest first, or the furthest."""
    every = [
        (float(value), place, row)
        for place, part in enumerate(margins)
        for row, value in enumerate(part)
        if np.isfinite(value) and (value >= 0) == inside
    ]
    every.sort(key=lambda item: -abs(item[0]) if worst else abs(item[0]))
    return [(parts[place], row) for _, place, row in every[:JUDGED]]


def _shots(
    dataset: Dataset, ranked: Sequence[tuple[_Scored, int]], group: Sequence[_Bound]
) -> tuple[Shot, ...]:
    """Their pictures, each file read once."""
    classes, shots = dataset.plan.classes, {}
    for part in {id(part): part for part, _ in ranked}.values():
        rows = [row for other, row in ranked if other is part]
        column = read_table(part.path, ["image"]).column("image").take(pa.array(rows))
        for row, item in zip(rows, column, strict=True):
            words = ", ".join(f"{b.score} {part.scores[b.score][row]:.3g}" for b in group)
            pixels = stored_image(part.path, item.as_py()["bytes"], dataset.image)
            shots[id(part), row] = Shot(picture(pixels), f"{classes[part.labels[row]]}: {words}")
    return tuple(shots[id(part), row] for part, row in ranked)
