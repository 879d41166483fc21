"""Who judges a generator in training: the label classifier, the calibration, the score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthgen.data.splits import Labelled, evenly
from synthgen.machine.progress import say
from synthgen.quality.calibration import Calibration
from synthgen.quality.reference import Reference
from synthgen.spec.settings.train import DecidedTrainSettings
from synthgen.stages.judging.measure_real import measure_real
from synthgen.stages.train.budget import FOR_CLASSIFIER
from synthgen.stages.train.setup import Prepared
from synthgen.stages.train.tick_score import ProgressScore
from synthgen.training.classifier import (
    ClassifierSettings,
    TrainedClassifier,
    train_label_classifier,
)

SPREAD_IMAGES = 4096
"""Training images whose spread is what samples' diversity is compared with, at most."""


@dataclass(frozen=True)
class Judge:
    """What is learnt from real images before the first step."""

    classifier: TrainedClassifier
    calibration: Calibration
    reference: Reference | None
    score: ProgressScore


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
    """Train (or open) the label classifier of a run and measure real images with it."""
    data, training = prepared.data, prepared.training
    real = Labelled(data.images, data.labels)
    labelled = prepared.task.stratum is not None
    taught, classes = (real, data.classes) if labelled else (quarter_turns(data.images), TURNS)
    classifier = train_label_classifier(
        taught,
        classes,
        *prepared.judged,
        ClassifierSettings(
            budget=settings.classifier_images,
            batch_size=settings.batch_size,
            flip=settings.flip,
            seed=settings.seed,
            device=training.device,
            precision=training.precision,
            seconds=None if settings.seconds is None else FOR_CLASSIFIER * settings.seconds,
        ),
        out / "classifier",
    )
    what = "label classifier" if labelled else "classifier of quarter turns (there are no labels)"
    say(f"{what}: {classifier.accuracy:.1%} right on held-out real images")
    classifier.network.to(training.device).eval()
    held = Labelled(data.images[prepared.validation], data.labels[prepared.validation])
    calibration, reference = measure_real(
        real, data.classes, *prepared.judged, classifier.network, training.device,
        training.precision, keep=settings.reference, labelled=labelled,
    )  # fmt: skip
    part = prepared.chosen[evenly(len(prepared.chosen), SPREAD_IMAGES)]
    score = ProgressScore(
        classifier.network, held, Labelled(data.images[part], data.labels[part]),
        settings.score_samples, training.device, training.precision, prepared.given,
        prepared.task,
    )  # fmt: skip
    return Judge(classifier, calibration, reference, score)
