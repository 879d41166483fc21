"""Runs that are made to fall over, and runs that are not."""

import json

import pytest
import torch

from synthgen.generators.zoo import load_generator
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.stage import train
from synthgen.training.loop import Training
from synthgen.training.phase_step import PhaseStep
from synthgen.training.watch import Alarm, Watch

pytestmark = pytest.mark.slow


def run(digit_folder, small_training, out, **changes):
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


def test_a_blow_up_is_rolled_back_and_the_run_recovers_to_its_end(
    digit_folder, small_training, tmp_path, monkeypatch
):
    """The discriminator's weights are spoiled once, at a rate that is well: one remedy will do."""
    spoiled = []

    def spoiling(shown, algorithm, phase, take):
        if shown > 6000 and not spoiled:
            spoiled.append(shown)
            with torch.no_grad():
                for weights in algorithm.networks["D"].parameters():
                    weights.mul_(1e3)
        return take()

    intercept(monkeypatch, spoiling)
    ticks, events = run(digit_folder, small_training, tmp_path / "run", images=19_200)
    assert len(events) == 1 and events[0]["images"] - spoiled[0] <= 2 * 2400
    assert events[0]["back_to"] < spoiled[0]
    assert ticks[-1]["images"] == 19_200 and ticks[-1]["attempt"] == 1
    best = min(t["score"] for t in ticks if t["attempt"] == 1)
    assert best < min(t["score"] for t in ticks if t["attempt"] == 0)


def test_a_rate_a_hundred_times_too_high_is_rolled_back_and_recovers(
    digit_folder, small_training, tmp_path
):
    options = {**small_training["options"], "lr": 4e-2}
    ticks, events = run(
        digit_folder, small_training, tmp_path / "run", images=19_200, options=options
    )
    assert events, "a run at a hundred times the rate raised no alarm"
    broken = [t["images"] for t in ticks if t["attempt"] == 0 and abs(t.get("gap/D", 0)) > 100]
    tick = 2400
    assert events[0]["images"] - broken[0] <= tick  # the tick it broke in, and one more
    assert events[0]["back_to"] < broken[0]
    assert ticks[-1]["images"] == 19_200 and ticks[-1]["attempt"] == len(events)
    best = min(t["score"] for t in ticks if t["attempt"] > 0)
    assert best < min(t["score"] for t in ticks if t["attempt"] == 0)
    assert events[0]["why"] in (tmp_path / "run" / "report.md").read_text()


def freeze_discriminator(monkeypatch, after):
    def frozen(shown, algorithm, phase, take):
        return take() if phase.trains != ("D",) or shown <= after else {}

    intercept(monkeypatch, frozen)


def test_a_frozen_discriminator_stops_the_run_with_its_best_state_and_a_report(
    digit_folder, small_training, tmp_path, monkeypatch
):
    freeze_discriminator(monkeypatch, after=9_600)
    out = tmp_path / "run"
    ticks, events = run(digit_folder, small_training, out, images=19_200, ticks=16)
    assert events[0]["images"] - 9_600 <= 2 * 1216 + 32
    assert events[-1]["action"].startswith("stopped") and ticks[-1]["images"] < 19_200
    assert "**The run was stopped" in (out / "report.md").read_text()
    best = min((t for t in ticks), key=lambda t: t["score"])
    assert load_generator(str(out)).config.training["images_shown"] == best["images"]
    # Started again it stays stopped.
    before = (out / "metrics.jsonl").read_text()
    (out / "bundle").rename(tmp_path / "elsewhere")
    run(digit_folder, small_training, out, images=19_200, ticks=16)
    assert (out / "metrics.jsonl").read_text() == before


def test_a_generator_that_stops_listening_to_its_latent_is_found_and_mended(
    digit_folder, small_training, tmp_path, monkeypatch
):
    real_step = Training.step

    def deafening(self):
        real_step(self)
        if self.remedies.attempt == 0 and self.shown > 7_000:
            with torch.no_grad():  # the columns of the mapping that read the latent
                for nets in (self.algorithm.networks, self.averaged.networks):
                    nets["G"].mapping[0].weight[:, :8] *= 0.5

    monkeypatch.setattr(Training, "step", deafening)
    ticks, events = run(digit_folder, small_training, tmp_path / "run", images=28_800, ticks=24)
    assert [event["event"] for event in events] == ["collapsed"]
    assert events[0]["images"] <= 7_000 + 2 * 1216 + 32 and events[0]["back_to"] <= 7_232
    assert ticks[-1]["images"] == 28_800 and ticks[-1]["diversity"] > 0.4


def test_a_run_killed_after_a_rollback_resumes_to_the_same_log(
    digit_folder, small_training, tmp_path, monkeypatch
):
    freeze_discriminator(monkeypatch, after=7_200)
    changes = {"images": 12_000, "ticks": 10}
    run(digit_folder, small_training, tmp_path / "whole", **changes)

    real_step, count = Training.step, 0

    def dying(self):
        nonlocal count
        count += 1
        if self.remedies.attempt == 1 and count % 7 == 0 and count < 10_000:
            count = 10_000
            raise KeyboardInterrupt
        real_step(self)

    monkeypatch.setattr(Training, "step", dying)
    with pytest.raises(KeyboardInterrupt):
        run(digit_folder, small_training, tmp_path / "killed", **changes)
    run(digit_folder, small_training, tmp_path / "killed", **changes)

    def log(name):
        lines = (tmp_path / name / "metrics.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        return [{k: v for k, v in row.items() if k != "images_per_second"} for row in rows]

    assert log("killed") == log("whole")


def test_a_generator_that_no_change_mends_begins_again_untrained(
    digit_folder, small_training, tmp_path, monkeypatch
):
    real_look = Watch.look

    def pessimistic(self, row, progress):
        if row["attempt"] < 4 and row["images"] > 1200:
            return Alarm("collapsed", "every image is one")
        return real_look(self, row, progress)

    monkeypatch.setattr(Watch, "look", pessimistic)
    changes = {"images": 4_800, "classifier_images": 3_000}
    ticks, events = run(digit_folder, small_training, tmp_path / "run", **changes)
    assert [event["back_to"] for event in events] == [608, 0, 608, 0]
    assert events[-1]["action"] == "the same from untrained networks"
    again = [tick["images"] for tick in ticks if tick["attempt"] == 4]
    assert again == [608, 1216, 1824, 2400, 3008, 3616, 4224, 4800]
    kept = sorted(int(path.name) for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert kept == [0, 3616, 4224, 4800]


@pytest.mark.parametrize("seed", range(10))
def test_a_healthy_run_raises_no_alarm(seed, digit_folder, small_training, tmp_path):
    changes = {"images": 6_400, "seed": seed, "classifier_images": 3_000}
    _, events = run(digit_folder, small_training, tmp_path / "run", **changes)
    assert events == []
