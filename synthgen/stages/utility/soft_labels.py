"""The soft labels that synthetic images teach: a dataset's column, or its bundle's answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.data.splits import Labelled
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.spec.soft_labels import SOFT_LABEL
from synthgen.stages.finished.dataset import Dataset
from synthgen.stages.finished.origin import load_origin
from synthgen.stages.judging.teachers import Teachers


@dataclass(frozen=True)
class SoftLabels:
    """Probabilities ``float32 [N, K]`` of the dataset's classes, and whose they are."""

    probabilities: np.ndarray
    classifier_sha256: str
    """Or the column's name: what is in it the shards' hashes say."""


def soft_labels(
    settings: UtilitySettings, dataset: Dataset, made: Labelled, most: int
) -> SoftLabels | None:
    """The synthetic images' soft labels: the dataset's column of them, or what the label classifier
    of the generator's bundle says; ``None`` where the labels are learnt.

    The bundle's classifier has learnt from the same real images as the generator, so a table's rows
    keep their promise. ``most`` is how many rows are ``made``, as :meth:`Dataset.pieces` takes it.

    Raises:
        SynthgenError: the bundle is not to be found, is another one, or has no classifier.
    """
    if not takes_soft_labels(settings, dataset):
        return None
    if dataset.manifest.columns.soft is not None:
        cells = dataset.cells(SOFT_LABEL, most)
        return SoftLabels(np.asarray(cells, dtype=np.float32), SOFT_LABEL)
    origin = dataset.manifest.generator
    generator = load_origin(
        dataset.layout.root, origin, settings.generator, settings.device, "auto"
    )
    own = Teachers((generator,), dataset.plan.classes)
    return SoftLabels(own.say(made.images), own.record.teachers[0].classifier_sha256)


def takes_soft_labels(settings: UtilitySettings, dataset: Dataset) -> bool:
    """Whether synthetic images teach soft labels: as the settings say, by default where the dataset
    has a column of them and nobody else is to say what its images show."""
    if settings.soft_labels is not None:
        return settings.soft_labels
    return dataset.manifest.columns.soft is not None and not settings.teachers
