"""Each filter finds the faults that are planted for it, and leaves real images alone.

The digits, drawn at 24 pixels so that a shift of one or two is small. ``benchmarks/planted_faults``
is the same on Fashion-MNIST and CIFAR-10.
"""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.planted_faults import plant, reasons_of, shares
from synthgen.data.splits import Labelled
from synthgen.quality.filters import load_filters
from synthgen.quality.scores import Scorer
from synthgen.stages.judging.measure_real import measure_real
from synthgen.training.classifier import ClassifierSettings, train_label_classifier

CLASSES = tuple("0123456789")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def large_digits(digits):
    """The digits at 24 px in a random order."""
    order = np.random.default_rng(0).permutation(len(digits[1]))
    drawn = [
        np.asarray(Image.fromarray(image[:, :, 0]).resize((24, 24), Image.Resampling.BICUBIC))
        for image in digits[0][order]
    ]
    return Labelled(np.stack(drawn)[..., None], digits[1][order])


@pytest.fixture(scope="module")
def measured(large_digits, tmp_path_factory):
    """Scorer and calibration: 900 digits train, 300 are held out, and 597 are left."""
    rows = np.arange(1200)
    trained = train_label_classifier(
        large_digits, CLASSES, rows[:900], rows[900:],
        ClassifierSettings(
            budget=14_000, batch_size=128, flip=False, seed=0, device=CPU, precision=torch.float32
        ),
        tmp_path_factory.mktemp("classifier"),
    )  # fmt: skip
    calibration, reference = measure_real(
        large_digits, CLASSES, rows[:900], rows[900:], trained.network, CPU, torch.float32,
        keep=True,
    )  # fmt: skip
    return Scorer(trained.network, torch.float32, reference), calibration


@pytest.mark.slow
def test_planted_faults_are_found(large_digits, measured):
    scorer, calibration = measured
    filters = load_filters("audit", calibration, CLASSES, 24)
    clean = Labelled(large_digits.images[1200:], large_digits.labels[1200:])
    training = Labelled(large_digits.images[:900], large_digits.labels[:900])
    own, alarms = [], []
    for seed in range(3):
        planted = plant(clean, training, 0.05, 10, seed)
        found = shares(planted, reasons_of(planted, filters, scorer, CPU))
        own.append(found[0])
        alarms.append(found[2])
    mean = {kind: np.mean([each[kind] for each in own]) for kind in own[0]}
    for kind, share in mean.items():
        assert share >= (0.90 if kind in ("moved copies", "JPEG copies") else 0.95), (kind, mean)
    wrong = {name: np.mean([each[name] for each in alarms]) for name in alarms[0]}
    del wrong["all together"]
    assert max(wrong.values()) < 0.02, wrong


def test_a_filter_that_looks_away_fails_this(large_digits, measured):
    """The same figures without the filters made for the faults."""
    scorer, calibration = measured
    clean = Labelled(large_digits.images[1200:1500], large_digits.labels[1200:1500])
    training = Labelled(large_digits.images[:900], large_digits.labels[:900])
    planted = plant(clean, training, 0.05, 10, 0)
    found = reasons_of(planted, load_filters("audit", calibration, CLASSES, 24), scorer, CPU)
    for kind, name in {"training images": "near_duplicate", "wrong labels": "memorised",
                       "moved copies": "label_agreement"}.items():  # fmt: skip
        assert found[name][planted.kinds == kind].mean() < 0.3, (kind, name)
