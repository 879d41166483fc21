"""What the benchmark of adapting makes its pairs by, and how it tells its figures."""

import argparse

import numpy as np
import pytest

from benchmarks.adapt import BASELINE, told
from benchmarks.adapt_pairs import Pair, make_pair, on_patches, on_random_backgrounds
from synthgen.data.splits import Labelled
from synthgen.stages.adapt.canonical import frame_of


def rehearsal(pair):
    return make_pair(argparse.Namespace(tiny=True, pair=pair), seed=1)


def test_a_patch_shows_the_digit_as_a_difference(digits):
    images, labels = digits[0][:5], digits[1][:5]
    even = np.full((40, 40, 3), 100, np.uint8)
    made = on_patches(Labelled(images, labels), [even], np.random.default_rng(0))
    assert made.images.shape == (5, 8, 8, 3) and (made.labels == labels).all()
    want = np.abs(100 - images.astype(int)).astype(np.uint8).repeat(3, axis=3)
    np.testing.assert_array_equal(made.images, want)


def test_random_backgrounds_keep_content_and_labels(digits):
    images = Labelled(digits[0][:3], digits[1][:3])
    made = on_random_backgrounds(images, 0)
    assert made.images.shape == (12, 8, 8, 1) and made.labels.tolist() == images.labels.tolist() * 4
    first, second = made.images[0].astype(int), made.images[3].astype(int)
    assert np.abs(first - second).mean() > 10


@pytest.mark.parametrize("pair", ["digits-mnist", "mnist-patches"])
def test_no_image_of_a_rehearsal_is_in_two_parts(pair, tmp_path):
    made = rehearsal(pair)
    assert (
        isinstance(made, Pair)
        and len({len(p.labels) for p in (made.source, made.pool, made.test)}) == 1
    )
    again = rehearsal(pair)
    np.testing.assert_array_equal(made.pool.images, again.pool.images)
    made.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"source", "target", "test"}
    plain = frame_of(made.pool.images).plain
    assert plain == (pair == "digits-mnist")


def test_gains_are_paired_with_an_interval():
    seeds = [{BASELINE: 0.5 + at / 10, "refined": 0.6 + at / 10} for at in range(3)]
    text = told(seeds)
    assert "| refined | 70.0 ± 10.0 | +10.0 (+10.0 to +10.0) |" in text
    assert f"| {BASELINE} | 60.0 ± 10.0 |  |" in text
    assert "+10.0 |" in told(seeds[:1])
