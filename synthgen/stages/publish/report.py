"""One self-contained HTML page about a finished dataset, for a person to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from synthgen.dataset.commit import disk_errors, read_json, write_text
from synthgen.evaluation.evidence import Evidence
from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.report.content import Content
from synthgen.evaluation.report.page import page
from synthgen.evaluation.utility import Utility
from synthgen.spec.errors import SynthgenError
from synthgen.spec.provenance import TrainingRecord
from synthgen.stages.finished.dataset import Dataset, acceptance, open_dataset
from synthgen.stages.publish.galleries import judged, samples
from synthgen.stages.publish.given import given, seen
from synthgen.storage.place import Place

T = TypeVar("T", Evaluation, Evidence)


def report(root: str | Place, *, real_images: bool = True) -> Place:
    """Write ``report/report.html`` from the dataset and what was found out about it.

    Raises:
        SynthgenError: the dataset is not finished, or cannot be read or written.
    """
    layout = open_dataset(root).layout
    path = layout.root / "report" / "report.html"
    with disk_errors(layout.root):
        write_text(report_page(root, real_images=real_images), path, layout.staging)
    return path


def report_page(root: str | Place, *, real_images: bool = True) -> str:
    """The page itself, with or without pictures of real images.

    It needs no network and runs no script; whatever a class or a path is called is text.

    Raises:
        SynthgenError: the dataset is not finished, or cannot be read.
    """
    content = _content(open_dataset(root))
    if not real_images:
        content = content.without_real_images()
    return page(content)


def _content(dataset: Dataset) -> Content:
    manifest, plan, image = dataset.manifest, dataset.plan, dataset.image
    generator = manifest.generator
    stale: list[str] = []
    evaluation = _current(dataset, "metrics.json", Evaluation.from_json, stale)
    evidence = _current(dataset, "evidence.json", Evidence.from_json, stale)
    return Content(
        name=dataset.layout.root.resolve().name,
        rows=plan.rows,
        classes=plan.classes,
        side=max(image.height, image.width),
        summary=f"{plan.rows:,} images of {len(plan.classes)} classes, "
        f"{image.height}×{image.width} {image.color}, made by the generator "
        f"{generator.name} ({generator.algorithm})",
        acceptance=acceptance(dataset),
        filters=manifest.filters_text,
        samples=samples(dataset),
        given=(*given(dataset), *seen(evidence)),
        judged=judged(dataset),
        facts=tuple(_facts(dataset)),
        manifest={
            "generator": generator.to_json(),
            "settings": manifest.settings.without_filters(),
        },
        evaluation=evaluation,
        evidence=evidence,
        utility=_utility(dataset),
        stale=tuple(stale),
    )


def _current(
    dataset: Dataset, name: str, read: Callable[[Any, str], T], stale: list[str]
) -> T | None:
    """A record of ``report/``, unless the dataset has changed since it was made."""
    path = dataset.layout.root / "report" / name
    if not path.is_file():
        return None
    found = read(read_json(path), str(path))
    if found.shards == dataset.shards:
        return found
    stale.append(name)
    return None


def _utility(dataset: Dataset) -> Utility | None:
    path = dataset.layout.root / "report" / "utility.json"
    if not path.is_file():
        return None
    try:
        return Utility.from_json(read_json(path))
    except (ValueError, KeyError, TypeError) as error:
        raise SynthgenError(f"{path}: {error}; run synthgen utility again") from None


def _facts(dataset: Dataset) -> list[tuple[str, str]]:
    manifest = dataset.manifest
    generator = manifest.generator
    splits = ", ".join(f"{name} {rows:,}" for name, rows in dataset.plan.splits.items())
    facts = [
        ("made by", f"synthgen {manifest.synthgen}"),
        ("generator", f"{generator.name} ({generator.algorithm})"),
        ("its weights", f"SHA-256 {generator.weights_sha256}"),
        ("trained on", _trained(generator.trained)),
        ("seed", str(dataset.plan.seed)),
        ("splits", splits),
        ("plan", f"SHA-256 {manifest.made.plan_hash}"),
        ("shards", f"{len(dataset.plan.shards)}, together SHA-256 {dataset.shards}"),
    ]
    return [(name, value) for name, value in facts if value]


def _trained(training: TrainingRecord) -> str:
    if training.data is None:
        return ""
    parts = [training.data]
    if training.data_images:
        parts.append(f"{training.data_images:,} images")
    if training.images_shown:
        parts.append(f"{training.images_shown:,} shown")
    return ", ".join(parts)
