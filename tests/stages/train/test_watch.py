"""Runs that are made to fall over, and are mended."""

import pytest
import torch
from watched import intercept, watched

from synthgen.training.loop import Training

pytestmark = pytest.mark.slow

SHORT = {"images": 9_600, "classifier_images": 3_000}


def test_a_blow_up_is_rolled_back_and_the_run_recovers_to_its_end(
    digit_folder, small_training, tmp_path, monkeypatch
):
    """The discriminator's weights are spoiled once, at a rate that is well: one remedy will do."""
    spoiled = []

    def spoiling(shown, algorithm, phase, take):
        if shown > 3000 and not spoiled:
            spoiled.append(shown)
            with torch.no_grad():
                for weights in algorithm.networks["D"].parameters():
                    weights.mul_(1e3)
        return take()

    intercept(monkeypatch, spoiling)
    ticks, events = watched(digit_folder, small_training, tmp_path / "run", **SHORT)
    assert len(events) == 1 and events[0]["images"] - spoiled[0] <= 2 * 1216
    assert events[0]["back_to"] < spoiled[0]
    assert ticks[-1]["images"] == 9_600 and ticks[-1]["attempt"] == 1
    best = min(t["score"] for t in ticks if t["attempt"] == 1)
    assert best < min(t["score"] for t in ticks if t["attempt"] == 0)


def test_a_rate_a_hundred_times_too_high_is_rolled_back_and_recovers(
    digit_folder, small_training, tmp_path
):
    options = {**small_training["options"], "lr": 4e-2}
    changes = {**SHORT, "images": 19_200, "options": options}
    ticks, events = watched(digit_folder, small_training, tmp_path / "run", **changes)
    assert events, "a run at a hundred times the rate raised no alarm"
    broken = [t["images"] for t in ticks if t["attempt"] == 0 and abs(t.get("gap/D", 0)) > 100]
    tick = 2400
    assert events[0]["images"] - broken[0] <= tick  # the tick it broke in, and one more
    assert events[0]["back_to"] < broken[0]
    assert ticks[-1]["images"] == 19_200 and ticks[-1]["attempt"] == len(events)
    best = min(t["score"] for t in ticks if t["attempt"] > 0)
    assert best < min(t["score"] for t in ticks if t["attempt"] == 0)
    assert events[0]["why"] in (tmp_path / "run" / "report.md").read_text()


def test_a_generator_that_stops_listening_to_its_latent_is_found_and_mended(
    digit_folder, small_training, tmp_path, monkeypatch
):
    real_step = Training.step

    def deafening(self):
        real_step(self)
        if self.remedies.attempt == 0 and self.shown > 4_700:
            with torch.no_grad():  # the columns of the mapping that read the latent
                for nets in (self.algorithm.networks, self.averaged.networks):
                    nets["G"].mapping[0].weight[:, :8] *= 0.5

    monkeypatch.setattr(Training, "step", deafening)
    ticks, events = watched(digit_folder, small_training, tmp_path / "run", images=19_200, ticks=16)
    assert [event["event"] for event in events] == ["collapsed"]
    assert events[0]["images"] <= 4_700 + 2 * 1216 + 32 and events[0]["back_to"] <= 4_832
    assert ticks[-1]["images"] == 19_200 and ticks[-1]["diversity"] > 0.4
