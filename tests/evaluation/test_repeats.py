"""Near duplicates and copies, on points in space whose neighbours are known."""

import numpy as np
import pytest
import torch

from synthgen.evaluation.repeats import repeated, to_training, within
from synthgen.features import neighbours as nearest_module
from synthgen.features.neighbours import nearest


def cloud(count, seed):
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("block", [7, 2048])
def test_the_nearest_are_those_of_a_sort_of_all_distances(block, monkeypatch):
    monkeypatch.setattr(nearest_module, "BLOCK", block)
    points = cloud(50, 0)
    distances, rows = nearest(points, points, 3, own=torch.arange(50))
    for row in range(50):
        others = np.delete(np.arange(50), row)
        apart = np.linalg.norm(points.numpy()[others] - points.numpy()[row], axis=1)
        order = np.argsort(apart)[:3]
        assert rows[row].tolist() == others[order].tolist()
        assert np.allclose(distances[row], apart[order], rtol=1e-5)
    with pytest.raises(ValueError, match="50 neighbours of 50 points"):
        nearest(points, points, 50, own=torch.arange(50))


def test_equal_laws_repeat_each_other_as_often_as_chance_has_it():
    found = within(cloud(2000, 0), cloud(2000, 1), cloud(2000, 2), 3)
    assert found.share == pytest.approx(0.01, abs=0.008)
    assert found.real_share == pytest.approx(0.01, abs=0.008)
    copied = to_training(cloud(2000, 0), cloud(2000, 1), cloud(2000, 2), 3)
    assert copied.share == pytest.approx(0.01, abs=0.008)


@pytest.mark.parametrize("held", [True, False])
def test_a_tenth_of_copies_is_a_tenth_and_comes_first(held):
    made, training = cloud(1000, 0), cloud(1000, 1)
    made[:100] = training[:100] + 0.01 * cloud(100, 2)
    found = to_training(made, training, cloud(500, 3) if held else None, 20)
    assert found.share == pytest.approx(0.1, abs=0.025) and found.real_share < 0.03
    assert all(pair.made == pair.other < 100 for pair in found.pairs)


def test_a_crowded_kind_is_not_taken_for_copies():
    """Half of all images lie a hundred times closer together: everything is near something."""

    def mixed(seed):
        points = cloud(2000, seed)
        points[:1000] *= 0.01
        return points

    made = cloud(1000, 5) * 0.01
    found = to_training(made, mixed(0), mixed(1), 3)
    assert found.share < 0.03
    copies = to_training(mixed(0)[:1000] + 1e-4, mixed(0), mixed(1), 3)
    assert copies.share > 0.95


def test_a_set_of_copies_of_few_repeats_itself():
    few = cloud(10, 0).repeat(20, 1) + 1e-3 * cloud(200, 1)
    found = within(few, cloud(200, 2), cloud(200, 3), 5)
    assert found.share > 0.99 and found.real_share < 0.05
    rows = [row for pair in found.pairs for row in (pair.made, pair.other)]
    assert len(rows) == len(set(rows)) == 10
    assert repeated(np.array([3, 5, 3, 3])) == 2


def test_too_few_images_are_not_judged():
    assert within(cloud(39, 0), cloud(39, 1), cloud(39, 2), 3) is None
    assert to_training(cloud(9, 0), cloud(39, 1), None, 3) is None
