"""The completion of a sampled dataset: what its manifest says of plan, generator and filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import synthgen
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest, Provenance
from synthgen.dataset.receipts import receipts_of
from synthgen.dataset.run_settings import RunSettings
from synthgen.generators.generator import Generator
from synthgen.spec.provenance import Origin
from synthgen.spec.task import Task, label_to_image, two_kinds
from synthgen.stages.finished.complete import complete
from synthgen.stages.finished.origin import trained
from synthgen.stages.sample.job import Job


def finish(
    layout: Layout,
    job: Job,
    generator: Generator,
    settings: Mapping[str, Any],
    scores: Sequence[str],
) -> None:
    """Complete a dataset whose shards are all done. The card says complete, so it comes last.

    ``scores`` are its columns of scores.
    """
    plan = job.plan
    origin = Origin(
        name=generator.name,
        algorithm=generator.config.algorithm,
        image=generator.image,
        weights_sha256=generator.weights_sha256,
        training=trained(generator),
        domains=generator.domains,
        made_for=None if _plain(generator.task) else generator.task.to_json(),
    )
    keys = dict(zip(plan.classes, job.class_keys, strict=True))
    manifest = Manifest(
        Provenance(plan, RunSettings(settings), origin, keys, plan.hash),
        synthgen=synthgen.__version__,
        scores=tuple(scores),
        filters_text=str(job.filters),
        receipts=tuple(receipts_of(layout, plan)),
    )
    complete(layout, manifest)


def _plain(task: Task) -> bool:
    """Whether a manifest need not name the task: one of labelled images of one kind or of two."""
    if task.kinds:
        pairs = (two_kinds(task.classes, task.image, task.kinds, given=g) for g in (True, False))
        return task in tuple(pairs)
    return task == label_to_image(task.classes, task.image)
