"""Intervals of differences."""

import math

import pytest

from synthgen.evaluation.paired import differences, half_width, t_quantile, verdict


@pytest.mark.parametrize(
    ("freedom", "value"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (100, 1.984)],
)
def test_quantiles_are_those_of_the_tables(freedom, value):
    assert t_quantile(freedom) == pytest.approx(value, abs=6e-4)


def test_an_interval_narrows_with_the_seeds_and_one_seed_has_none():
    mean, deviation = differences((0.7, 0.8, 0.9), (0.6, 0.7, 0.7))
    assert mean == pytest.approx(0.4 / 3) and deviation == pytest.approx(0.1 / 3**0.5)
    assert half_width(deviation, 3) == pytest.approx(4.3027 * deviation / 3**0.5, rel=1e-4)
    assert half_width(0.01, 10) < half_width(0.01, 5)
    assert half_width(0.0, 1) == math.inf and differences((0.3,), (0.1,))[1] == 0.0


def test_an_interval_with_nought_in_it_leaves_the_question_open():
    assert [verdict(mean, 0.02) for mean in (0.03, 0.01, -0.02, -0.03)] == [
        "better", "open", "open", "worse",
    ]  # fmt: skip
