"""The label classifier under a budget of time, on a clock that the test moves."""

from types import SimpleNamespace

import pytest
import torch

from synthgen.data.splits import Labelled, hold_out
from synthgen.training import classifier
from synthgen.training.classifier import ClassifierSettings, train_label_classifier


class Clock:
    now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def learn(digits, tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(
        classifier, "time", SimpleNamespace(monotonic=clock, perf_counter=lambda: 0.0)
    )
    images, labels = (part[:200] for part in digits)

    def run(seconds, folder="classifier"):
        settings = ClassifierSettings(
            16_000, 16, False, 0, torch.device("cpu"), torch.float32, seconds
        )
        names = tuple(str(digit) for digit in range(10))
        rows = hold_out(labels, 0.2, 0)
        return train_label_classifier(
            Labelled(images, labels), names, *rows, settings, tmp_path / folder
        )

    return run


def test_it_ends_when_its_time_is_up_with_a_rate_that_has_fallen(learn, monkeypatch):
    rates = []
    real = classifier._lr_factor
    monkeypatch.setattr(classifier, "_lr_factor", lambda done: rates.append(done) or real(done))
    made = learn(30.0)
    assert 20 <= made.images_shown / 16 <= 30
    assert rates == sorted(rates) and rates[-1] > 0.9


def test_what_was_used_before_a_kill_counts(learn, monkeypatch):
    real, saved = classifier._save_pass, []

    def dying(*arguments):
        real(*arguments)
        saved.append(arguments[2])
        raise KeyboardInterrupt

    monkeypatch.setattr(classifier, "_save_pass", dying)
    with pytest.raises(KeyboardInterrupt):
        learn(30.0)
    monkeypatch.setattr(classifier, "_save_pass", real)
    assert learn(30.0).images_shown / 16 <= 32 and saved[0] == 10


def test_without_a_limit_it_takes_all_its_steps(learn):
    assert learn(None).images_shown == 60 * 160
