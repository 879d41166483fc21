"""Runs that nothing is wrong with: no alarm, whatever the seed."""

import pytest
from watched import watched

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(10))
def test_a_healthy_run_raises_no_alarm(seed, digit_folder, small_training, tmp_path):
    changes = {"images": 6_400, "seed": seed, "classifier_images": 3_000}
    _, events = watched(digit_folder, small_training, tmp_path / "run", **changes)
    assert events == []
