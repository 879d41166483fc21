"""The watch's rules, on rows as ``metrics.jsonl`` has them."""

import math

import pytest

from synthgen.training.remedies import Remedies
from synthgen.training.watch import Watch, ladder

GOOD = {
    "loss/D/x": 0.7, "accuracy/D/real": 0.7, "accuracy/D/fake": 0.8, "score": 2.0,
    "diversity": 0.8, "least_diversity": 0.5, "least_diverse_class": "cat",
}  # fmt: skip


def look(watch, images=50_000, progress=0.4, **changes):
    return watch.look({**GOOD, "images": images, **changes}, progress)


@pytest.mark.parametrize(
    ("kind", "changes", "ticks"),
    [
        ("not-finite", {"loss/D/x": math.nan}, 1),
        ("not-finite", {"score": None}, 1),
        ("diverged", {"loss/D/x": -2e6}, 1),
        ("diverged", {"score": 21.0}, 1),
        ("diverged", {"score": 7.0}, 2),
        ("declined", {"score": 3.6}, 4),
        ("saturated", {"accuracy/D/real": 1.0, "accuracy/D/fake": 0.995, "score": 2.6}, 2),
        ("collapsed", {"diversity": 0.1}, 2),
        ("collapsed", {"least_diversity": 0.05}, 2),
    ],
)
def test_a_fault_is_seen_and_a_decline_after_four_ticks(kind, changes, ticks):
    watch = Watch()
    assert look(watch) is None and not watch.suspicious
    alarms = [look(watch, **changes) for _ in range(ticks)]
    assert all(alarm is None for alarm in alarms[:-1])
    assert alarms[-1].kind == kind
    assert watch.suspicious


@pytest.mark.parametrize(
    "changes",
    [
        {"score": 3.4},
        {"accuracy/D/real": 1.0, "accuracy/D/fake": 1.0},  # it wins, but the images get no worse
        {"diversity": 0.45},
        {"least_diversity": 0.12},
    ],
)
def test_what_is_only_near_a_fault_is_none(changes):
    watch = Watch()
    look(watch)
    assert [look(watch, **changes) for _ in range(4)] == [None] * 4


def test_one_bad_tick_between_good_ones_is_forgiven_but_is_nothing_to_go_back_to():
    watch = Watch()
    look(watch)
    for _ in range(3):
        assert look(watch, diversity=0.1) is None and watch.suspicious
        assert look(watch) is None and not watch.suspicious


def test_a_run_that_diverges_before_it_has_a_best_is_seen_in_its_first_tick():
    assert look(Watch(), images=1600, progress=0.1, **{"loss/D/x": 1.9e17}).kind == "diverged"
    assert look(Watch(), images=1600, progress=0.1, **{"loss/D/x": 900.0}) is None


def row_of(**changes):
    return {"images": 1000, "score": 10.0, "diversity": 0.6, "least_diversity": 0.5, **changes}


def test_the_watch_of_a_log_knows_nothing_of_what_a_rollback_undid():
    before, undone = row_of(images=1000), row_of(images=2000, score=1.0)
    event = {"images": 3000, "event": "diverged", "back_to": 1000}
    after = row_of(images=2000, score=5.0)
    assert look(Watch.of([before, undone], 9000), images=3000, score=11.0).kind == "diverged"
    assert look(Watch.of([before, undone, event, after], 9000), images=3000, score=11.0) is None
    assert look(Watch.of([before, undone, event, after], 9000), images=3000, score=51.0)
    assert Watch.of([before, row_of(images=2000, score=40.0)], 9000).suspicious


def test_an_untrained_generator_has_not_collapsed():
    watch = Watch()
    assert [look(watch, images=i * 1000, progress=i / 10, diversity=0.05) for i in range(10)] == [
        None
    ] * 10
    late = [look(watch, images=40_000, progress=0.8, diversity=0.05) for _ in range(2)]
    assert late[-1].kind == "collapsed"


@pytest.mark.parametrize("lost", [False, True])
def test_the_ladder_ends(lost):
    remedies, rungs = Remedies(), []
    while (rung := ladder(remedies, penalized=True, augmented=False, lost=lost)) is not None:
        assert rung.remedies.attempt == remedies.attempt + 1
        rungs.append(rung)
        remedies = rung.remedies
    assert len(rungs) == 4 + lost and remedies.lr == 0.1
    assert remedies.penalty == 4.0 and remedies.augmented and remedies.clip == 1.0
    assert [rung.restart for rung in rungs] == [False] * 4 + [True] * lost
    assert ladder(Remedies(attempt=1), penalized=False, augmented=True).remedies.clip == 1.0


def test_so_much_of_a_score_as_real_images_have_is_no_fault():
    watch = Watch()
    assert look(watch) is None
    assert all(look(watch, score=4.9, score_real=1.5) is None for _ in range(9))
    alarms = [look(watch, score=5.1, score_real=1.5) for _ in range(4)]
    assert [alarm and alarm.kind for alarm in alarms] == [None, None, None, "declined"]


def test_scores_of_two_phases_are_not_compared():
    """A phase that asks for something else may score worse from its first tick on."""
    first = [row_of(images=1000 * k, score=1.0) for k in (1, 2, 3, 4, 5)]
    later = [row_of(images=6000, score=20.0), row_of(images=7000, score=19.0)]
    alike = Watch.of(first, 10_000)
    assert look(alike, images=6000, progress=0.6, score=20.0).kind == "diverged"
    watch = Watch.of([*first, *later], 10_000, starts=(0.5,))
    assert not watch.suspicious and watch.best_score == 19.0
    assert look(watch, images=8000, progress=0.8, score=400.0).kind == "diverged"
    # The tick at which a phase begins is of the one before.
    assert Watch.of(first, 10_000, starts=(0.5,)).best_score == 1.0
