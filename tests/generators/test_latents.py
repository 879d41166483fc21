import numpy as np
import pytest

from synthgen.generators.latents import latents, philox


def words(*values):
    return tuple(np.asarray([value], dtype=np.uint64) for value in values)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            0x299F31D0A4093822,
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_philox4x32_10(counter, key, expected):
    """The vectors published with Random123 (Salmon et al. 2011)."""
    assert tuple(int(word[0]) for word in philox(words(*counter), key)) == expected


def draw(seed, labels, shards, candidates, size=6, **settings):
    arrays = (np.asarray(a, dtype=np.int64) for a in (labels, shards, candidates))
    return latents(seed, *arrays, size, **settings)


def test_a_latent_depends_on_its_four_numbers_and_nothing_else():
    many = draw(5, [0, 1, 2, 3], [7, 7, 8, 8], [10, 11, 12, 13])
    alone = draw(5, [2], [8], [12])
    assert np.array_equal(many[2:3], alone)
    for changed in (draw(6, [2], [8], [12]), draw(5, [1], [8], [12]),
                    draw(5, [2], [9], [12]), draw(5, [2], [8], [13])):  # fmt: skip
        assert not np.array_equal(alone, changed)


def test_seed_nought_and_a_large_seed_are_seeds():
    drawn = [draw(seed, [0], [0], [0]).tolist() for seed in (0, 1, 2**32, 2**63 - 1)]
    assert len({str(row) for row in drawn}) == 4


def test_latents_are_standard_normal():
    flat = draw(0, [0] * 5000, [0] * 5000, range(5000), 33)
    assert flat.dtype == np.float32 and flat.shape == (5000, 33)
    assert abs(flat.mean()) < 0.01 and abs(flat.std() - 1) < 0.01
    assert abs(np.mean(flat**4) - 3) < 0.1
    assert np.abs(np.corrcoef(flat.T) - np.eye(33)).max() < 0.08
    assert abs(draw(0, [0] * 5000, [0] * 5000, range(5000), 33, std=1.5).std() - 1.5) < 0.01


def test_truncated_latents_are_bounded_without_mass_at_the_bound():
    flat = draw(0, [0] * 5000, [0] * 5000, range(5000), 16, truncation=0.7)
    assert np.abs(flat).max() < 0.7
    near = (np.abs(flat) > 0.7 * 0.98).mean()
    assert 0.005 < near < 0.02  # clipping would put almost half of the numbers there
    assert not draw(0, [0], [0], [0], truncation=0.0).any()
