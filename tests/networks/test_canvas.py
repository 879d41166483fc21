import pytest
import torch

from synthgen.networks.canvas import Canvas
from synthgen.spec.image import ImageSpec


@pytest.mark.parametrize("side", [4, 5, 8, 12, 28, 30, 32, 48, 50, 64, 96, 100, 128])
def test_every_side_is_covered_by_a_small_base_doubled(side):
    canvas = Canvas.for_image(ImageSpec(side, side, 3))
    assert 4 <= canvas.base <= 8
    assert side <= canvas.side < 2 * side
    assert canvas.crop(canvas.cover(torch.zeros(1, 3, side, side))).shape[-2:] == (side, side)


def test_covering_then_cropping_gives_the_image_back():
    images = torch.randn(2, 1, 30, 27)
    canvas = Canvas.for_image(ImageSpec(30, 27, 1))
    assert torch.equal(canvas.crop(canvas.cover(images)), images)


def test_sides_that_need_no_border_have_none():
    for side in (8, 28, 32, 64, 96):
        assert Canvas.for_image(ImageSpec(side, side, 3)).side == side
