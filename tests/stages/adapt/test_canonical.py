"""Canonical preprocessing: only what is plain, only on the source, and on record."""

import numpy as np
import pytest

from synthgen.stages.adapt.canonical import Canonical, frame_of, needed


@pytest.fixture(scope="module")
def large(digits):
    """Digits of 8 px enlarged to 24 px: they touch the border."""
    return np.repeat(np.repeat(digits[0][:120], 3, axis=1), 3, axis=2)


@pytest.fixture(scope="module")
def small(large):
    """The same in the middle of an even dark background."""
    return np.pad(large[:, ::2, ::2], ((0, 0), (6, 6), (6, 6), (0, 0)))


def test_a_frame_is_measured(small, large):
    frame = frame_of(small)
    assert frame.plain and frame.background == 0 and 0.4 < frame.content <= 0.5
    assert frame_of(large).content > 0.9
    assert frame_of(255 - small).background == 255


def test_content_is_brought_to_the_size_of_the_target(small, large):
    found = needed(frame_of(large), frame_of(small))
    assert found.content is not None and not found.invert
    done = found.apply(large)
    assert done.shape == large.shape and done.dtype == np.uint8
    assert abs(frame_of(done).content - frame_of(small).content) < 0.05
    assert needed(frame_of(done), frame_of(small)) == Canonical()


def test_a_negative_is_inverted_and_inverting_again_undoes_it(small):
    found = needed(frame_of(255 - small), frame_of(small))
    assert found == Canonical(invert=True)
    np.testing.assert_array_equal(found.apply(255 - small), small)
    np.testing.assert_array_equal(found.apply(found.apply(small)), small)


def test_sets_alike_and_sets_without_a_plain_background_are_left_as_they_are(small):
    noise = np.random.default_rng(0).integers(0, 256, small.shape, dtype=np.uint8)
    assert not frame_of(noise).plain
    for source, target in ((small, small), (noise, small), (255 - small, noise)):
        found = needed(frame_of(source), frame_of(target))
        assert found == Canonical() and found.lines() == []
        np.testing.assert_array_equal(found.apply(source), source)


def test_what_is_done_is_said_and_on_record():
    found = Canonical(invert=True, content=0.7)
    assert found.lines()[0].endswith("inverted") and "70%" in found.lines()[1]
    assert Canonical(**found.to_json()) == found


def test_an_empty_image_and_colours_are_no_obstacle():
    images = np.zeros((3, 12, 12, 3), np.uint8)
    images[1, 2:9, 3:5] = (250, 0, 200)
    done = Canonical(content=0.5).apply(images)
    assert done.shape == images.shape and (done[0] == 0).all()
    assert done[1].any() and (done[1][..., 1] == 0).all()
