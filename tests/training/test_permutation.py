"""An order of rows that is found place by place."""

import numpy as np
import pytest

from synthgen.training.permutation import permuted


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000, 4097])
@pytest.mark.parametrize("seed", [0, 5, 2**70])
def test_every_place_goes_to_another(size, seed):
    places = np.arange(size)
    assert sorted(permuted(places, size, seed)) == list(range(size))


def test_a_place_goes_where_it_goes_alone():
    places = np.array([5, 900_000, 17])
    whole = permuted(places, 1_280_000, 3)
    alone = [permuted(places[i : i + 1], 1_280_000, 3)[0] for i in range(3)]
    assert whole.tolist() == alone


def test_it_looks_random():
    size = 4096
    one, two = (permuted(np.arange(size), size, seed) for seed in (1, 2))
    # As many places stay, or agree, as by chance: about one.
    assert (one == np.arange(size)).sum() < 10 and (one == two).sum() < 10
    assert (np.diff(one) == 1).sum() < 10
    # Sums over runs of 64 places spread as those of draws without replacement do.
    sums = one.reshape(64, 64).sum(axis=1)
    expected = np.sqrt(64 * (size**2 - 1) / 12 * (1 - 63 / (size - 1)))
    assert 0.7 < sums.std() / expected < 1.3


def test_an_affine_order_would_not():
    size = 4096
    look_alike = (np.arange(size) * 1001 + 7) % size
    assert len(np.unique(np.diff(look_alike) % size)) == 1
    assert len(np.unique(np.diff(permuted(np.arange(size), size, 1)) % size)) > size / 3


def test_places_outside_are_refused():
    for place in (-1, 10):
        with pytest.raises(ValueError, match="0 to 9"):
            permuted(np.array([place]), 10, 0)
