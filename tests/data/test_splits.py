"""Choosing rows: by class, by seed, nested by size."""

import numpy as np

from synthgen.data.splits import few_per_class

LABELS = np.random.default_rng(0).integers(0, 4, 400)


def test_few_per_class_is_nested_by_size_and_even_over_the_classes():
    small, large = few_per_class(LABELS, 10, 3), few_per_class(LABELS, 50, 3)
    assert set(small) < set(large)
    assert np.bincount(LABELS[small]).tolist() == [10] * 4
    assert (np.diff(large) > 0).all()
    assert set(few_per_class(LABELS, 10, 4)) != set(small)


def test_a_class_is_chosen_by_its_own_permutation():
    rows = np.flatnonzero(LABELS == 2)
    wanted = np.sort(np.random.default_rng([3, 2]).permutation(rows)[:10])
    chosen = few_per_class(LABELS, 10, 3)
    assert (chosen[LABELS[chosen] == 2] == wanted).all()


def test_a_class_of_fewer_gives_all_it_has():
    assert len(few_per_class(LABELS, 10_000, 0)) == len(LABELS)
