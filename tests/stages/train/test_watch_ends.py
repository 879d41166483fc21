"""Runs that fall over for good, or are killed after they did."""

import json

import pytest
from watched import freeze_discriminator, watched

from synthgen.generators.zoo import load_generator
from synthgen.training.loop import Training
from synthgen.training.watch import Alarm, Watch

pytestmark = pytest.mark.slow


def test_a_frozen_discriminator_stops_the_run_with_its_best_state_and_a_report(
    digit_folder, small_training, tmp_path, monkeypatch
):
    freeze_discriminator(monkeypatch, after=9_600)
    out = tmp_path / "run"
    ticks, events = watched(digit_folder, small_training, out, images=19_200, ticks=16)
    assert events[0]["images"] - 9_600 <= 2 * 1216 + 32
    assert events[-1]["action"].startswith("stopped") and ticks[-1]["images"] < 19_200
    assert "**The run was stopped" in (out / "report.md").read_text()
    best = min((t for t in ticks), key=lambda t: t["score"])
    assert load_generator(str(out)).config.training["images_shown"] == best["images"]
    # Started again it stays stopped.
    before = (out / "metrics.jsonl").read_text()
    (out / "bundle").rename(tmp_path / "elsewhere")
    watched(digit_folder, small_training, out, images=19_200, ticks=16)
    assert (out / "metrics.jsonl").read_text() == before


def test_a_run_killed_after_a_rollback_resumes_to_the_same_log(
    digit_folder, small_training, tmp_path, monkeypatch
):
    freeze_discriminator(monkeypatch, after=3_200)
    changes = {"images": 6_400, "ticks": 16, "classifier_images": 3_000}
    watched(digit_folder, small_training, tmp_path / "whole", **changes)

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
        watched(digit_folder, small_training, tmp_path / "killed", **changes)
    watched(digit_folder, small_training, tmp_path / "killed", **changes)

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
        if row["attempt"] < 4 and row["images"] > 600:
            return Alarm("collapsed", "every image is one")
        return real_look(self, row, progress)

    monkeypatch.setattr(Watch, "look", pessimistic)
    changes = {"images": 2_400, "classifier_images": 1_500}
    ticks, events = watched(digit_folder, small_training, tmp_path / "run", **changes)
    assert [event["back_to"] for event in events] == [320, 0, 320, 0]
    assert events[-1]["action"] == "the same from untrained networks"
    again = [tick["images"] for tick in ticks if tick["attempt"] == 4]
    assert again == [320, 608, 928, 1216, 1504, 1824, 2112, 2400]
    kept = sorted(int(path.name) for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert kept == [0, 1824, 2112, 2400]
