"""Sketches of photographs: thin lines where an image changes, and how two of them agree."""

import numpy as np
import pytest
import torch

from synthgen.quality.readers.readers import Readers
from synthgen.spec.drawings import lines_agree, sketch
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.uses.registry import Offered, find_use

FIELD = Image(32, 32, 1)


def drawn(images, **options):
    return sketch(FIELD, [images], torch.zeros(len(images), 0), options)


def discs(count=6):
    """Discs on a ground: whatever lies on the border of each is its only edge."""
    rng = np.random.default_rng(0)
    down, across = np.mgrid[:32, :32]
    images = np.full((count, 32, 32, 3), 60, np.uint8)
    for image in images:
        x, y, radius = rng.uniform(13, 19), rng.uniform(13, 19), rng.uniform(6, 10)
        image[(across - x) ** 2 + (down - y) ** 2 < radius**2] = (220, 200, 180)
    return torch.from_numpy(images)


def test_lines_are_thin_and_lie_on_the_border():
    images = discs()
    lines = drawn(images)[..., 0] == 0
    inside = images[..., 0] > 100
    around = torch.nn.functional.max_pool2d(inside.float()[:, None], 3, 1, 1)[:, 0] > 0
    within = -torch.nn.functional.max_pool2d(-inside.float()[:, None], 3, 1, 1)[:, 0] > 0
    border = around & ~within
    assert not (lines & ~border).any()
    assert (lines.sum(dim=(1, 2)) > 0.3 * border.sum(dim=(1, 2))).all()
    # The look-alike: all places that change, two or three pixels wide.
    from synthgen.spec.derivations import find_derivation
    from synthgen.spec.maps import Mask

    mask = Mask(("plain", "edge"), 32, 32)
    wide = find_derivation("edges").compute(mask, [images], torch.zeros(6, 0), {"threshold": 10})
    assert lines.sum() < 0.7 * wide.sum()


def test_smooth_shades_and_dim_noise_are_no_lines():
    shade = torch.linspace(0, 255, 32).round().byte()[None, None, :, None].expand(2, 32, 32, 3)
    noise = torch.randint(100, 106, (2, 32, 32, 3), dtype=torch.uint8)
    assert (drawn(shade) == 255).all() and (drawn(noise) == 255).all()
    assert (drawn(discs(), threshold=120) == 255).all()


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_turned_image_has_the_turned_lines_nearly(turn):
    images = discs()
    turned = drawn(torch.rot90(images, turn, (1, 2)))
    assert lines_agree(turned, torch.rot90(drawn(images), turn, (1, 2))).min() > 0.95


def test_agreement_is_one_for_a_pixel_off_and_low_for_another_image():
    lines = drawn(discs())
    assert lines_agree(lines, lines).min() == 1
    assert lines_agree(lines, lines.roll(1, dims=2)).min() > 0.99
    assert lines_agree(lines, lines.roll(6, dims=2)).max() < 0.6
    empty = torch.full_like(lines, 255)
    assert lines_agree(empty, empty).min() == 1 and lines_agree(lines, empty).max() == 0
    # The look-alike, the share of equal pixels, finds an empty page nearly right.
    assert ((lines == empty).float().mean(dim=(1, 2, 3)) > 0.9).all()


def test_the_use_derives_its_sketch_unless_the_data_have_one():
    use = find_use("sketch-to-photo")
    spec = ImageSpec(32, 32, 3)
    task = use.task(Offered(spec, None), use.options(threshold=5))
    assert task.derived["sketch"].options == {"threshold": 5} and task.beside == ()
    assert Readers.of(task).names == ("sketch_agreement",)
    own = use.task(Offered(spec, None, {"sketch": Image(32, 32, 3)}), use.options())
    assert own.derived == {} and own.beside == ("sketch",)
    assert own.streams == (("image", "sketch"),)
