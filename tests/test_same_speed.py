"""``python -m benchmarks same_speed``: turns, the interval of the median, and who is slower."""

import sys
from math import comb

import pytest

from benchmarks.same_speed import Measured, interval, main, pairs, worker
from benchmarks.two_versions import Failed, Side


class Counted:
    """In place of a worker: notes its turns; an image takes ``cost``."""

    def __init__(self, name, cost, turns):
        self.side = Side(name, None, None)
        self.cost, self.turns = cost, turns

    def work(self, images):
        self.turns.append((self.side.name, images))
        return images * self.cost


def test_versions_take_turns_with_the_same_work_and_begin_by_turns():
    turns = []
    old, new = Counted("old", 0.001, turns), Counted("new", 0.002, turns)
    found = Measured("x", tuple(pairs(old, new, 4, seconds=3.0)))
    assert found.ratios == pytest.approx([2.0] * 4)
    measured = turns[4:]
    assert [name for name, _ in measured] == ["old", "new", "new", "old"] * 2
    assert {images for _, images in measured} == {2944}


@pytest.mark.parametrize("count", [6, 8, 9, 12, 30])
def test_the_interval_covers_the_median_as_often_as_it_says(count):
    low, high = interval(range(count))
    outside = 2 * sum(comb(count, k) for k in range(low + 1)) / 2**count
    assert low + high == count - 1 and outside <= 0.05
    further = 2 * sum(comb(count, k) for k in range(low + 2)) / 2**count
    assert further > 0.05, "a narrower one would do"


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [([0.99, 1.0, 1.01] * 2, "kept"), ([1.05, 1.1] * 3, "slower"), ([1.0, 1.08] * 3, "open")],
)
def test_the_verdict_is_by_the_whole_interval(ratios, verdict):
    found = Measured("x", tuple((1.0, ratio) for ratio in ratios))
    assert found.verdict(1.03) == verdict == found.row(1.03)[-1]


def test_the_least_turns_are_those_of_the_same_steps():
    quiet = [(2.0, 2.2), (1.0, 1.1), (1.0, 1.1), (1.0, 1.1)]
    busy = [(2 * old, 3 * new) for old, new in quiet]
    assert Measured("x", (*quiet, *busy)).least == pytest.approx(1.1)
    assert Measured("x", (*busy, *quiet)).least == pytest.approx(1.1)


def test_work_that_ends_says_why(tmp_path):
    from synthgen import __file__ as here

    side = Side("old", tmp_path.parent.joinpath(here).parents[1], tmp_path)
    with (
        worker(side, "sampling", "no-such-generator") as process,
        pytest.raises(Failed, match=r"old: the work ended with 1: .*no-such-generator"),
    ):
        process.work(1)


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--only", "nothing"], "no work 'nothing'"), (["--pairs", "3"], "at least 6")],
)
def test_a_mistake_is_told(options, words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["same_speed", "--against", "HEAD", *options])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2 and words in capsys.readouterr().err
