import numpy as np
import pytest
import torch

from synthgen.features.fingerprint import distances, fingerprints, nearest, reach_of


def pictures(count=6, side=28, channels=1):
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 256, (count, side // 4, side // 4, channels), dtype=np.uint8)
    return torch.from_numpy(rough.repeat(4, axis=1).repeat(4, axis=2))


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (32, 3), (64, 3), (128, 1)])
def test_a_fingerprint_depends_on_its_image_alone_and_to_the_last_bit(side, channels):
    images = pictures(6, side, channels)
    together = fingerprints(images, 1)
    assert together.shape == (6, 9, 32) and together.dtype == torch.int8
    for row in range(6):
        assert torch.equal(fingerprints(images[row : row + 1], 1)[0], together[row])
    assert torch.equal(fingerprints(images)[:, 0], together[:, 4])


def test_all_shifts_are_the_fingerprints_of_the_moved_images():
    images = pictures(3, 32, 3)
    every = fingerprints(images, 2)
    wide = np.pad(images.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    for down in range(5):
        for across in range(5):
            moved = torch.from_numpy(wide[:, down : down + 32, across : across + 32].copy())
            assert torch.equal(fingerprints(moved)[:, 0], every[:, down * 5 + across])


def test_distances_are_those_of_the_nearest_shift():
    rng = np.random.default_rng(1)
    asked = rng.integers(-127, 128, (4, 9, 32)).astype(np.int8)
    known = rng.integers(-127, 128, (7, 32)).astype(np.int8)
    wanted = ((asked[:, :, None].astype(float) - known) ** 2).sum(-1).min(1)
    found = distances(torch.from_numpy(asked), torch.from_numpy(known)).numpy()
    assert np.array_equal(found, wanted)
    best, where = nearest(torch.from_numpy(asked), torch.from_numpy(known))
    assert np.array_equal(where.numpy(), wanted.argmin(1))
    assert np.allclose(best.numpy(), np.sqrt(wanted.min(1)))
    alone, nowhere = nearest(torch.from_numpy(asked), torch.from_numpy(known[:0]))
    assert torch.isinf(alone).all() and (nowhere == -1).all()


def test_small_images_are_moved_less():
    assert reach_of(8, 8) == 1 and reach_of(28, 28) == 2 and reach_of(256, 256) == 2
