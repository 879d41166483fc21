"""What the filters need to know of real images: quantiles of their scores, and the reference."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.data.splits import Labelled, evenly
from synthgen.features.classifier import LabelClassifier
from synthgen.generators.discriminator import ImageJudge
from synthgen.machine.progress import say
from synthgen.quality.calibration import (
    Calibration,
    calibrate,
    calibrate_repeats,
    calibrate_score,
)
from synthgen.quality.reference import Reference, feature_rows, make_reference
from synthgen.quality.scores import Scorer, further_scores
from synthgen.spec.columns import DISCRIMINATOR

CALIBRATION_IMAGES = 20_000
"""Real images whose statistics are the filters' measure, at most."""
COPIED_IMAGES = 2_048
"""Held-out images that are compared, moved in every way, with all training images, at most."""
DISCRIMINATED_IMAGES = 8_192
"""Held-out images that the discriminator is calibrated on, at most."""
BATCH = 256


def measure_real(
    real: Labelled,
    classes: tuple[str, ...],
    training: np.ndarray,
    held: np.ndarray,
    classifier: LabelClassifier,
    device: torch.device,
    precision: torch.dtype,
    *,
    keep: bool,
    labelled: bool = True,
) -> tuple[Calibration, Reference | None]:
    """Score held-out images, and compare them with training images; ``keep`` makes the reference.

    Args:
        real: all real images.
        classes: of the classifier.
        training: rows that were trained on, ``int64``.
        held: rows that were not, ``int64``.
        classifier: in evaluation mode.
    """
    # What the classifier says of images it has learnt from is no measure; statistics are.
    shown = evenly(len(real.labels), CALIBRATION_IMAGES)
    further = further_scores()
    statistics = calibrate(
        Scorer(None, further=further), real.images[shown], real.labels[shown], classes, BATCH,
        device,
    )  # fmt: skip
    reference = None
    if keep:
        plain = Scorer(classifier, precision)
        rows = feature_rows(training)
        features = torch.cat(
            [
                plain.features(torch.from_numpy(real.images[rows[at : at + BATCH]]).to(device))
                for at in range(0, len(rows), BATCH)
            ]
        )
        # Kept in half precision: what is calibrated is what will be read.
        reference = make_reference(real.images, real.labels, training, features.cpu())
        reference = Reference.from_tensors(reference.to_tensors(), device)
    scorer = Scorer(classifier, precision, reference, further, labelled=labelled)
    found = calibrate(scorer, real.images[held], real.labels[held], classes, BATCH, device)
    if reference is not None:
        rows = training[evenly(len(training), 8 * COPIED_IMAGES)]
        asked = held[evenly(len(held), COPIED_IMAGES)]
        repeats = calibrate_repeats(
            scorer, reference, _part(real, rows), _part(real, asked), classes, device
        )
        found = found.with_quantiles_of(repeats)
        say(f"reference: {len(reference.labels):,} training images, {len(asked):,} held out")
    return found.with_quantiles_of(statistics), reference


def measure_discriminator(
    score: ImageJudge,
    real: Labelled,
    held: np.ndarray,
    classes: tuple[str, ...],
    device: torch.device,
) -> Calibration:
    """Score real images that the discriminator has not learnt from: rows ``held int64 [V]``.

    Of its training images it is surer than of any others: they are no measure.
    """
    shown = held[evenly(len(held), DISCRIMINATED_IMAGES)]
    return calibrate_score(DISCRIMINATOR, score, _part(real, shown), classes, device)


def _part(real: Labelled, rows: np.ndarray) -> Labelled:
    return Labelled(real.images[rows], real.labels[rows])
