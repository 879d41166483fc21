import pytest

from synthgen.training.pace import Pace


def test_one_end_is_the_share_of_the_images_to_the_bit():
    for target in (7, 1000, 200_000):
        for shown in range(0, target, max(1, target // 97)):
            assert Pace(target).at(shown) == shown / target
    assert Pace(1000).at(1000) == Pace(1000).at(1200) == 1.0


def test_progress_neither_jumps_nor_falls_where_the_end_moves():
    pace, before = Pace(1000), 0.0
    for shown in range(0, 1500, 10):
        if shown in (200, 500, 700):
            moved = pace.moved(shown, {200: 2000, 500: 800, 700: 1400}[shown])
            assert moved.at(shown) == pytest.approx(pace.at(shown), abs=1e-12)
            pace = moved
        now = pace.at(shown)
        assert before <= now <= 1.0
        before = now
    assert pace.at(1400) == 1.0


def test_an_end_that_is_past_is_now():
    pace = Pace(1000).moved(400, 300)
    assert pace.target == 400 and pace.at(400) == 1.0


@pytest.mark.parametrize("target,batch,parts", [(9_600, 32, 4), (1000, 7, 3), (640, 128, 20)])
def test_parts_are_entered_as_often_as_there_are_steps_for(target, batch, parts):
    shown, entered = 0, 0
    pace = Pace(target)
    while shown < target:
        entered += pace.crossed(shown, shown + batch, parts)
        shown += batch
    assert entered == min(parts, -(-target // batch))
