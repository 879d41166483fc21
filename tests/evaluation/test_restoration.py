"""How near images are to their originals, by computations of another kind."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.report.figures import originals
from synthgen.evaluation.restoration import OWN, Nearness, Restoration, Totals
from synthgen.evaluation.text import as_markdown, as_text
from synthgen.features.perceptual import Perceptual
from synthgen.spec.baselines import ENLARGED, FILLED
from synthgen.spec.derivations import find_derivation
from synthgen.spec.image import ImageSpec, to_float
from tests.support.evaluations import evaluation

SPEC = ImageSpec(16, 16, 3)


@pytest.fixture
def images():
    """Twelve images of steps and noise, ``uint8 [12, 16, 16, 3]``."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (12, 4, 4, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return np.clip(blocks + rng.normal(0, 12, blocks.shape), 0, 255).astype(np.uint8)


def shrunk(images):
    """By the mean of blocks of four pixels, rounded, in numpy."""
    return images.reshape(-1, 8, 2, 8, 2, 3).mean(axis=(2, 4)).round().astype(np.uint8)


def enlarged(name, small):
    return ENLARGED[name](SPEC, torch.from_numpy(small), [None]).numpy()


def holes(count):
    hole = np.zeros((count, 16, 16), np.uint8)
    hole[:, 5:11, 3:10] = 1
    hole[1, 12:, :] = 1  # to the image's edge
    hole[2] = 0
    return hole


def filled(name, images, hole):
    masked = np.where(hole[..., None] > 0, 127, images).astype(np.uint8)
    of = [None, torch.from_numpy(hole)]
    return FILLED[name](SPEC, torch.from_numpy(masked), of).numpy()


def test_bicubic_is_another_librarys(images):
    small = shrunk(images // 2 + 64)  # the other cuts off at black and white after either axis
    theirs = [np.asarray(Image.fromarray(i).resize((16, 16), Image.Resampling.BICUBIC))
              for i in small]  # fmt: skip
    assert np.abs(enlarged("bicubic", small).astype(int) - np.stack(theirs)).max() <= 1


def test_the_tougher_enlargement_shrinks_to_what_was_given_and_is_nearer(images):
    tougher = next(name for name in ENLARGED if name != "bicubic")
    inner = (images // 2 + 64).astype(np.uint8)  # nothing is cut off at black and white
    small = shrunk(inner)
    plain, agreeing = enlarged("bicubic", small), enlarged(tougher, small)

    def gap(large):
        return np.abs(shrunk(large).astype(int) - small).max()

    assert gap(agreeing) <= 1 < gap(plain)

    def errors(large):
        return np.square(large.astype(float) - inner).mean(axis=(1, 2, 3))

    assert (errors(agreeing) < errors(plain)).all()


def test_a_hole_gets_the_mean_of_the_pixels_that_touch_it(images):
    hole = holes(12)
    made = filled("mean of the border", images, hole)
    for image, mask, own in zip(images, hole, made, strict=True):
        assert (own[mask == 0] == image[mask == 0]).all()
        touching = [
            image[y, x] for y in range(16) for x in range(16)
            if not mask[y, x] and mask[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].any()
        ]  # fmt: skip
        if touching:
            assert np.abs(own[mask > 0] - np.mean(touching, axis=0)).max() <= 0.51
    whole = filled("mean of the border", images[:1], np.ones((1, 16, 16), np.uint8))
    assert (whole == 127).all()


def test_a_smooth_fill_solves_laplaces_equation(images):
    hole = holes(12)
    made = filled("smooth fill (Laplace)", images, hole)
    for image, mask, own in zip(images[:2], hole, made, strict=False):
        places = {place: number for number, place in enumerate(zip(*np.nonzero(mask), strict=True))}
        matrix, right = np.zeros((len(places),) * 2), np.zeros((len(places), 3))
        for (y, x), number in places.items():
            matrix[number, number] = 4
            for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                near = (min(15, max(0, y + dy)), min(15, max(0, x + dx)))
                if near in places:
                    matrix[number, places[near]] -= 1
                else:
                    right[number] += image[near]
        solved = np.linalg.solve(matrix, right)
        assert np.abs(own[tuple(np.array(list(places)).T)] - solved).max() <= 2
        assert (own[mask == 0] == image[mask == 0]).all()


def psnr(one, other):
    """In decibels, by the textbook and one value at a time."""
    gaps = [(int(a) - int(b)) ** 2 for a, b in zip(one.flat, other.flat, strict=True)]
    return 10 * math.log10(255**2 / max(1 / 12, sum(gaps) / len(gaps)))


def test_figures_are_means_over_images_and_in_the_hole_alone(images):
    rng = np.random.default_rng(1)
    made = np.clip(images + rng.normal(0, 9, images.shape), 0, 255).astype(np.uint8)
    made[3] = images[3]  # equal: as near as rounding
    hole = holes(12)
    given = torch.from_numpy(np.where(hole[..., None] > 0, 127, images).astype(np.uint8))
    rows = (torch.from_numpy(images), torch.from_numpy(made))
    mask = torch.from_numpy(hole)
    whole, inside = Totals(), Totals()
    for part in (slice(0, 5), slice(5, 12)):
        some = (rows[0][part], rows[1][part])
        whole.add(SPEC, some, {}, (given[part], [None, mask[part]]), None)
        inside.add(SPEC, some, FILLED, (given[part], [None, mask[part]]), mask[part])
    (own,) = whole.means()
    assert own.psnr == pytest.approx(np.mean(list(map(psnr, images, made))), abs=1e-3)
    gaps = np.abs(images.astype(int) - made)
    assert own.difference == pytest.approx(gaps.mean(), abs=1e-3)
    own, mean, smooth = inside.means()
    there = [row for row in range(12) if row != 2]  # one has no hole
    assert inside.images == 11 and own.name == OWN
    wanted = [psnr(images[r][hole[r] > 0], made[r][hole[r] > 0]) for r in there]
    assert own.psnr == pytest.approx(np.mean(wanted), abs=1e-3)
    fill = filled(mean.name, images, hole)
    wanted = [np.abs(images[r].astype(int) - fill[r])[hole[r] > 0].mean() for r in there]
    assert mean.difference == pytest.approx(np.mean(wanted), abs=1e-3)
    assert smooth.psnr != mean.psnr


def test_perceptual_distances_are_means_over_images_and_nought_for_equal_ones(images):
    blurred = np.repeat(np.repeat(images[:, ::2, ::2], 2, axis=1), 2, axis=2)
    made = np.concatenate([blurred[:7], images[7:]])
    small = torch.from_numpy(shrunk(images))
    look, found = Perceptual(), Totals()
    for part in (slice(0, 5), slice(5, 12)):
        rows = (torch.from_numpy(images[part]), torch.from_numpy(made[part]))
        found.add(SPEC, rows, ENLARGED, (small[part], [None]), None)
    own, bicubic, _ = found.means()
    floats = [to_float(torch.from_numpy(each)) for each in (images, made)]
    alone = [float(look(m[None], o[None])) for o, m in zip(*floats, strict=True)]
    assert own.perceptual == pytest.approx(np.mean(alone), rel=1e-4) and alone[7:] == [0] * 5
    assert bicubic.perceptual > 0
    whole = replace(restoration(24.0, 23.0, 24.5), made=own, baselines=(bicubic,))
    nearer = "more" if own.perceptual < bicubic.perceptual else "less"
    assert f"To a network they look {nearer} like them than 'bicubic'" in whole.sentence()
    assert "To a network" not in restoration(24.0, 23.0, 24.5).sentence()


def restoration(own, *others, **changes):
    names = ("bicubic", "tougher")
    baselines = tuple(Nearness(n, v, 9.0) for n, v in zip(names, others, strict=True))
    whole = Restoration("small", "", "photos", 40, 40, 0, Nearness(OWN, own, 8.0), baselines)
    return replace(whole, **changes)


def test_the_toughest_baseline_is_named_also_where_it_wins():
    lost = evaluation(restorations=(restoration(24.0, 23.0, 24.5),))
    (finding,) = (f for f in lost.findings if f.about == "originals")
    assert finding.level == "care"
    assert finding.text == (
        "'tougher' is nearer to the originals than the images are: PSNR 24.00 dB against 24.50 dB."
    )
    won = evaluation(restorations=(restoration(25.0, 23.0, 24.5),))
    (finding,) = (f for f in won.findings if f.about == "originals")
    assert finding.level == "good" and "25.00 dB against 24.50 dB" in finding.text
    for text in (as_text(lost), as_markdown(lost), str(originals(lost))):
        assert "24.00 dB" in text and "24.50 dB" in text and "23.00 dB" in text
        assert "40 images beside their originals of photos (all held out from training)" in text
    seen = restoration(24.0, 23.0, 24.5, held_out=0, trained_on=40)
    assert "that flatters it" in seen.what


def test_the_record_comes_back_and_one_without_such_figures_too():
    found = evaluation(restorations=(restoration(24.0, 23.0, 24.5),))
    assert Evaluation.from_json(found.to_json(), "here") == found
    record = found.to_json()
    del record["restorations"], record["memorisation"]["agrees"]
    assert Evaluation.from_json(record, "here").restorations == ()


def test_nearness_to_training_images_is_not_held_against_images_that_must_agree():
    bad = evaluation()
    memory = replace(bad.memorisation, near=replace(bad.memorisation.near, share=0.9))
    told = evaluation(memorisation=memory)
    assert any(f.about == "memorisation" and f.level == "bad" for f in told.findings)
    kept = evaluation(memorisation=replace(memory, agrees=True))
    assert not any(f.about == "memorisation" for f in kept.findings)
    assert "is not held against the dataset" in as_text(kept)


def test_baselines_belong_to_derivations():
    assert find_derivation("area_down").baselines == ENLARGED
    assert find_derivation("masked").within == 1 and not find_derivation("edges").baselines
