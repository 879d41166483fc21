"""A budget of time, on clocks that the test moves."""

import json

import pytest

from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train import run as run_module
from synthgen.stages.train.budget import Timetable, duration
from synthgen.stages.train.stage import train
from synthgen.training.distributed import Ranks
from synthgen.training.loop import Training
from synthgen.training.pace import Pace


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def simulate(seconds, planned, cost, ticks=8, tick_cost=1.0, batch=10):
    """A run whose images cost ``cost(share of the time)`` seconds each; seconds taken, progress."""
    clock = Clock()
    table = Timetable(seconds, clock)
    table.start(None, planned, ticks)
    pace, shown, seen = Pace(planned), 0, []
    table.pause(0)
    clock.now += tick_cost
    table.go_on(0)
    pace = table.pace(pace, 0, batch, Ranks())
    while shown < pace.target:
        before = shown
        clock.now += batch * cost(clock.now / seconds)
        shown += batch
        tick = pace.crossed(before, shown, ticks)
        if not tick and table.due(Ranks()):
            pace = table.pace(pace, shown, batch, Ranks())
            tick = pace.at(shown) >= 1
        if tick:
            table.pause(shown)
            pace = table.pace(pace, shown, batch, Ranks())
            clock.now += tick_cost
            table.go_on(shown)
        seen.append(pace.at(shown))
    return clock.now, seen


@pytest.mark.parametrize("factor", [0.1, 0.5, 1, 3, 12])
def test_a_run_ends_in_time_however_wrong_the_plan_was(factor):
    taken, seen = simulate(180, 10_000, lambda share: factor * 180 / 10_000)
    assert 0.85 * 180 <= taken <= 1.15 * 180
    assert seen == sorted(seen) and seen[-1] == 1.0


@pytest.mark.parametrize("late", [0.3, 4.0])
def test_a_run_ends_in_time_though_the_machine_changes_its_speed_midway(late):
    taken, seen = simulate(
        300, 5_000, lambda share: 0.05 * (late if 0.4 < share < 0.8 else 1.0), tick_cost=3.0
    )
    assert 0.85 * 300 <= taken <= 1.15 * 300
    assert seen == sorted(seen)


def test_a_plan_that_is_not_looked_at_again_would_not_end_in_time():
    """What the tests above would see of a run that keeps to its first plan."""
    assert 3 * 180 / 10_000 * 10_000 > 1.15 * 180


def test_a_resumed_run_counts_the_time_that_was_used_before():
    clock = Clock()
    first = Timetable(100, clock)
    first.start(None, 1000, 4)
    clock.now = 70
    kept = json.loads(json.dumps(first.record()))
    second = Timetable(100, clock)
    second.start(kept, 1000, 4)
    clock.now = 80
    assert second.used == pytest.approx(80)
    second.go_on(500)
    pace = second.pace(Pace(1000), 500, 8, Ranks())
    assert pace.target < 1000 and pace.at(500) == 0.5
    clock.now = 120
    assert second.pace(pace, 510, 8, Ranks()).target == 510


def test_a_run_that_is_late_before_its_first_step_still_leaves_something():
    clock = Clock()
    table = Timetable(60, clock)
    table.start(None, 5_000, 4)
    clock.now = 70  # the data took longer to read than the whole may
    table.go_on(0)
    assert table.pace(Pace(5_000), 0, 16, Ranks()).target == 32 * 16


def test_durations_read_as_people_say_them():
    assert [duration(s) for s in (40, 1800, 9000)] == ["40 seconds", "30 minutes", "2.5 hours"]


@pytest.fixture
def timed(monkeypatch, digit_folder, small_training):
    """Trains on the digits with a clock that each step moves by ``cost`` seconds an image."""
    clock, real_step = Clock(), Training.step

    def start(out, cost, die_at=None, **changes):
        def step(self):
            if die_at is not None and self.shown >= die_at:
                raise KeyboardInterrupt
            real_step(self)
            clock.now += cost * self.batch_size

        monkeypatch.setattr(Training, "step", step)
        monkeypatch.setattr(
            Timetable, "of", classmethod(lambda cls, given: cls(given.seconds, clock))
        )
        values = {k: v for k, v in small_training.items() if k not in ("images", "ticks")}
        values |= {"data": str(digit_folder), "out": str(out), "minutes": 2, **changes}
        return train(TrainSettings.parse(values))

    start.clock = clock
    return start


def test_a_run_of_minutes_ends_in_time_with_a_bundle_and_says_so(timed, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(run_module, "say", told.append)
    bundle = timed(tmp_path / "run", 0.02)
    assert 0.85 * 120 <= timed.clock.now <= 1.15 * 120
    record = load_generator(str(bundle)).config.training
    assert record["minutes"] == 2 and record["images_planned"] > 0
    decided = json.loads((tmp_path / "run" / "decided.json").read_text())
    assert decided["images"] == record["images_planned"] and decided["batch_size"] == 32
    assert any("2 minutes" in line or "120 seconds" in line for line in told)


def test_a_killed_run_of_minutes_keeps_its_plan_and_its_clock(timed, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        timed(out, 0.02, die_at=3_000)
    before = timed.clock.now
    plan = (out / "decided.json").read_text()
    timed(out, 0.02)
    assert (out / "decided.json").read_text() == plan
    # What came after the newest checkpoint is done again: at most one tick's share more.
    assert before < timed.clock.now <= 1.45 * 120
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert all("target" in row for row in rows)


@pytest.mark.parametrize("pair", [("minutes", "images"), ("hours", "images"), ("minutes", "hours")])
def test_budgets_exclude_each_other_in_one_line(pair):
    with pytest.raises(SynthgenError, match="both say how long to train: give one of them"):
        TrainSettings.parse({"data": "x", **dict.fromkeys(pair, 3)})
