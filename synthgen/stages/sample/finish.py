"""The completion of a sampled dataset: what its manifest says of plan, generator and filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import synthgen
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import make_manifest
from synthgen.dataset.receipts import read_receipts
from synthgen.generators.generator import Generator
from synthgen.stages.finished.complete import complete
from synthgen.stages.sample.job import Job, scorer


def finish(
    layout: Layout,
    job: Job,
    generator: Generator,
    settings: Mapping[str, Any],
    scores: Sequence[str] | None = None,
) -> None:
    """Complete a dataset whose shards are all done. The card says complete, so it comes last.

    ``scores`` are its columns of scores, where they are not those that the job measures.
    """
    plan = job.plan
    receipts = read_receipts(layout, plan)
    image = generator.image
    manifest = make_manifest(
        plan,
        receipts,
        settings=settings,
        generator={
            "name": generator.name,
            "algorithm": generator.config.algorithm,
            "domains": list(generator.domains),
            "image": {"height": image.height, "width": image.width, "channels": image.channels},
            "weights_sha256": generator.weights_sha256,
            "training": generator.config.training,
        },
        class_keys=dict(zip(plan.classes, job.class_keys, strict=True)),
        scores=scores or scorer(job.settings, generator, job.filters).names,
        version=synthgen.__version__,
        filters_text=str(job.filters),
    )
    complete(layout, plan, image, manifest)
