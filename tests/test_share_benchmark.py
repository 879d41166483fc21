"""The page on sharing a generator: its table, its noise, and whose images it refuses."""

import numpy as np
import pytest

from benchmarks.share import ALL, HARD, ROWS, SOFT, Trial, report
from benchmarks.share_images import mixed_noise, real_of
from synthgen.evaluation.membership import Membership
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec


def trial(accuracy):
    attack = Membership(0.5, 0.5, 0.01, 100, 100)
    return Trial(accuracy, attack, attack, 2.0)


def test_the_table_has_paired_differences_with_their_intervals():
    found = {
        ALL: [trial(0.90), trial(0.92), trial(0.91)],
        HARD: [trial(0.80), trial(0.82), trial(0.81)],
        SOFT: [trial(0.83), trial(0.84), trial(0.85)],
    }
    lines = report(found).splitlines()
    assert (
        "| samples, their labels | 81.0 ± 1.0 % | -10.0 ± 0.0 |  | 0.500 / 0.500 / 0.010"
        in (lines[3])
    )
    # Differences of 3, 2 and 4 points: deviation 1, Student's t 4.303 over two degrees.
    assert "| -7.0 ± 2.5 | +3.0 ± 2.5 |" in lines[4]
    one = report({row: [trial(0.8)] for row in ROWS})
    assert "±" in one and "+0.0 |" in one  # one seed has no interval


def test_noise_fills_the_range_and_is_of_its_seed():
    image = ImageSpec(28, 28, 1)
    made, again, other = (mixed_noise(image, 20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert made.shape == (20, 28, 28, 1) and made.dtype == np.uint8
    assert (made.min(axis=(1, 2, 3)) == 0).all() and (made.max(axis=(1, 2, 3)) == 255).all()
    assert np.array_equal(made, again) and not np.array_equal(made, other)


def test_images_that_a_generator_did_not_learn_from_are_refused(digit_folder):
    import golden

    generator = load_generator(str(golden.BUNDLES / "r3gan"), "cpu", "fp32")
    with pytest.raises(SynthgenError, match="nobody's membership can be told"):
        real_of(str(digit_folder), generator)
