"""Runs of training that are watched: their log, and steps that a test may spoil."""

import json

from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.stage import train
from synthgen.training.loop import Training
from synthgen.training.phase_step import PhaseStep


def watched(digit_folder, small_training, out, **changes):
    """Train with 8 ticks, or with other ``changes``; the ticks of the log, and its events."""
    values = {**small_training, "ticks": 8, "data": str(digit_folder), "out": str(out), **changes}
    train(TrainSettings.parse(values))
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [r for r in rows if "event" not in r], [r for r in rows if "event" in r]


def intercept(monkeypatch, act):
    """Each step of a phase becomes ``act(shown, algorithm, phase, take)``; ``take()`` takes it."""
    shown, real_step, real_take = [0], Training.step, PhaseStep.take

    def step(self):
        shown[0] = self.shown
        real_step(self)

    def take(self, phase, *rest, **named):
        return act(shown[0], self.algorithm, phase, lambda: real_take(self, phase, *rest, **named))

    monkeypatch.setattr(Training, "step", step)
    monkeypatch.setattr(PhaseStep, "take", take)


def freeze_discriminator(monkeypatch, after):
    """Its phases do nothing once so many images were shown."""

    def frozen(shown, algorithm, phase, take):
        return take() if phase.trains != ("D",) or shown <= after else {}

    intercept(monkeypatch, frozen)
