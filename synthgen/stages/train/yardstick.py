"""Who judges a generator in training: the label classifier, the calibration, the score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from synthgen.data.records import Records
from synthgen.data.splits import Labelled, evenly
from synthgen.features.field_reader import reader_class
from synthgen.machine.progress import say
from synthgen.quality.calibration import Calibration, calibrated_on
from synthgen.quality.readers.identity import calibrate_identity
from synthgen.quality.reference import Reference
from synthgen.spec.columns import AGREEMENT
from synthgen.spec.fields import Field
from synthgen.spec.settings.train import DecidedTrainSettings
from synthgen.stages.judging.measure_real import measure_real
from synthgen.stages.train.budget import FOR_CLASSIFIER
from synthgen.stages.train.setup import Prepared
from synthgen.stages.train.tick_score import Own, ProgressScore
from synthgen.training.classifier import (
    ClassifierSettings,
    TrainedClassifier,
    train_label_classifier,
)
from synthgen.training.field_reader import TrainedReader, train_reader

SPREAD_IMAGES = 4096
"""Training images whose spread is what samples' diversity is compared with, at most."""


@dataclass(frozen=True)
class Judge:
    """What is learnt from real images before the first step."""

    classifier: TrainedClassifier
    calibration: Calibration
    reference: Reference | None
    score: ProgressScore
    readers: Mapping[str, TrainedReader] = field(default_factory=dict)
    """What reads given fields off images, by field."""


TURNS = ("0", "90", "180", "270")
"""What a classifier learns to tell where images have no labels: Gidaris et al. 2018,
arXiv:1803.07728."""


def quarter_turns(images: np.ndarray) -> Labelled:
    """The images ``uint8 [N, S, S, C]``, the i-th turned by i modulo 4 quarters, and the turns."""
    turned = np.empty_like(images)
    turns = np.arange(len(images), dtype=np.int64) % len(TURNS)
    for turn in range(len(TURNS)):
        turned[turns == turn] = np.rot90(images[turns == turn], turn, axes=(1, 2))
    return Labelled(turned, turns)


def make_judge(settings: DecidedTrainSettings, prepared: Prepared, out: Path) -> Judge:
    """Train (or open) what judges a run's images, and measure real images with it."""
    data, training = prepared.data, prepared.training
    real = Labelled(data.images, data.labels)
    labelled = prepared.task.stratum is not None
    readers = _readers(settings, prepared, out)
    classifier = None if labelled else _of_readers(readers.values())
    classifier = classifier or _classifier(settings, prepared, out)
    classifier.network.to(training.device).eval()
    held = Labelled(data.images[prepared.validation], data.labels[prepared.validation])
    calibration, reference = measure_real(
        real, data.classes, *prepared.judged, classifier.network, training.device,
        training.precision, keep=settings.reference, labelled=labelled,
    )  # fmt: skip
    agreed = {f"{name}{AGREEMENT}": reader.agreements for name, reader in readers.items()}
    if agreed:
        labels = data.labels[prepared.judged[1]]
        calibration = calibration.with_quantiles_of(calibrated_on(agreed, labels, data.classes))
    if prepared.task.pictured in prepared.task.edited:
        own = calibrate_identity(held, data.classes, training.device)
        calibration = calibration.with_quantiles_of(own)
    part = prepared.chosen[evenly(len(prepared.chosen), SPREAD_IMAGES)]
    score = ProgressScore(
        classifier.network, held, Labelled(data.images[part], data.labels[part]),
        settings.score_samples, training.device, training.precision, prepared.given,
        prepared.task, _own(prepared, part),
    )  # fmt: skip
    return Judge(classifier, calibration, reference, score, readers)


def _own(prepared: Prepared, part: np.ndarray) -> Own | None:
    """What real images show of what edits are asked for; ``None`` where nothing is edited."""
    task, data = prepared.task, prepared.data
    if not set(task.conditions) & set(task.edited):
        return None
    assert isinstance(data, Records)

    def condition(rows: np.ndarray) -> Tensor:
        stored = {name: torch.from_numpy(data.columns[name][rows]) for name in task.conditions}
        tensors = {name: task.fields[name].tensor(values) for name, values in stored.items()}
        return task.condition(tensors, len(rows))

    return Own(condition(prepared.validation), condition(part))


def _learning(settings: DecidedTrainSettings, prepared: Prepared) -> ClassifierSettings:
    """How a network that judges is trained; where there are two, each has half of the time."""
    training = prepared.training
    two = prepared.task.stratum is not None and bool(fields_read(prepared))
    seconds = None if settings.seconds is None else FOR_CLASSIFIER * settings.seconds
    return ClassifierSettings(
        budget=settings.classifier_images,
        batch_size=settings.batch_size,
        flip=settings.flip,
        seed=settings.seed,
        device=training.device,
        precision=training.precision,
        seconds=None if seconds is None else seconds / (2 if two else 1),
    )


def _classifier(settings: DecidedTrainSettings, prepared: Prepared, out: Path) -> TrainedClassifier:
    data, labelled = prepared.data, prepared.task.stratum is not None
    real = Labelled(data.images, data.labels)
    taught, classes = (real, data.classes) if labelled else (quarter_turns(data.images), TURNS)
    classifier = train_label_classifier(
        taught, classes, *prepared.judged, _learning(settings, prepared), out / "classifier"
    )
    what = "label classifier" if labelled else "classifier of quarter turns (there are no labels)"
    say(f"{what}: {classifier.accuracy:.1%} right on held-out real images")
    return classifier


def fields_read(prepared: Prepared) -> dict[str, Field]:
    """Given fields that a network reads off the real images beside them, by name; what is derived
    is its own reader."""
    task = prepared.task
    beside = [n for n in task.given if n in task.streams[0] and n not in task.derived]
    found = {name: task.fields[name] for name in beside if name != task.stratum}
    return {name: kind for name, kind in found.items() if reader_class(kind.kind) is not None}


def _readers(
    settings: DecidedTrainSettings, prepared: Prepared, out: Path
) -> dict[str, TrainedReader]:
    """A reader of each of these fields, trained on the real rows."""
    data, found = prepared.data, {}
    for name, kind in fields_read(prepared).items():
        assert isinstance(data, Records)
        found[name] = train_reader(
            data.images, data.columns[name], kind, *prepared.judged,
            _learning(settings, prepared), out / "readers" / name,
        )  # fmt: skip
        say(found[name].network.told(found[name].right))
        found[name].network.to(prepared.training.device).eval()
    return found


def _of_readers(readers: Iterable[TrainedReader]) -> TrainedClassifier | None:
    """A reader's network in the place of a classifier, where there are no labels: it has learnt
    what matters, and its features are what is used. ``None``: no reader has one."""
    for reader in readers:
        seer = reader.network.seer
        if seer is not None:
            network, shares = seer
            right = {name: value for name, value in reader.right.items() if name in shares}
            mean = sum(right.values()) / len(right) if right else 0.0
            return TrainedClassifier(network, mean, right, 0.0, 0)
    return None
