"""Against direct formulas in float64, pair by pair."""

import numpy as np
import pytest
import torch

from synthgen.evaluation import kernel_distance as kernel_module
from synthgen.evaluation import manifold as manifold_module
from synthgen.evaluation.kernel_distance import kernel_distance
from synthgen.evaluation.manifold import manifold


@pytest.fixture(params=range(3))
def sets(request):
    rng = np.random.default_rng(request.param)
    return rng.normal(size=(60, 6)), rng.normal(size=(45, 6)) * 1.3 + 0.2


def direct_kernel(a, b):
    def k(x, y):
        return (float(np.dot(x, y)) / len(x) + 1.0) ** 3

    n, m = len(a), len(b)
    aa = sum(k(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    bb = sum(k(b[i], b[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    ab = sum(k(x, y) for x in a for y in b) / (n * m)
    return aa + bb - 2 * ab


def direct_manifold(real, made, k):
    def dist(x, y):
        return float(np.sqrt(((x - y) ** 2).sum()))

    def radius(points, i):
        return sorted(dist(points[i], points[j]) for j in range(len(points)) if j != i)[k - 1]

    real_radius = [radius(real, i) for i in range(len(real))]
    made_radius = [radius(made, j) for j in range(len(made))]
    inside = [[dist(r, m) <= real_radius[i] for m in made] for i, r in enumerate(real)]
    return (
        np.mean([any(inside[i][j] for i in range(len(real))) for j in range(len(made))]),
        np.mean([any(dist(r, m) <= made_radius[j] for j, m in enumerate(made)) for r in real]),
        np.sum(inside) / (k * len(made)),
        np.mean([any(row) for row in inside]),
    )


@pytest.mark.parametrize("block", [7, 2048])
def test_both_agree_with_the_direct_formula_whatever_the_block(sets, block, monkeypatch):
    monkeypatch.setattr(kernel_module, "BLOCK", block)
    monkeypatch.setattr(manifold_module, "BLOCK", block)
    real, made = sets
    a, b = torch.from_numpy(real), torch.from_numpy(made)
    assert kernel_distance(a, b) == pytest.approx(direct_kernel(real, made), rel=1e-6)
    found = manifold(a, b, neighbours=3)
    measured = (found.precision, found.recall, found.density, found.coverage)
    assert measured == pytest.approx(direct_manifold(real, made, 3), rel=1e-6)


def test_what_is_missing_shows_where_it_should():
    torch.manual_seed(0)
    two_modes = torch.cat([torch.randn(300, 4) - 6, torch.randn(300, 4) + 6])
    one_mode, garbage = torch.randn(600, 4) + 6, torch.randn(600, 4) * 60
    equal = manifold(two_modes, torch.cat([torch.randn(300, 4) - 6, torch.randn(300, 4) + 6]))
    assert min(equal.precision, equal.recall, equal.coverage) > 0.85
    assert abs(equal.density - 1) < 0.15
    dropped = manifold(two_modes, one_mode)
    assert dropped.precision > 0.85 and dropped.recall < 0.6 and dropped.coverage < 0.6
    assert manifold(two_modes, garbage).precision < 0.1
    other = torch.cat([torch.randn(300, 4) - 6, torch.randn(300, 4) + 6])
    assert abs(kernel_distance(two_modes, other)) < 0.05 * kernel_distance(two_modes, one_mode)


def test_sets_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="two rows"):
        kernel_distance(torch.zeros(1, 3), torch.zeros(5, 3))
    with pytest.raises(ValueError, match="need more than 5 rows"):
        manifold(torch.zeros(5, 3), torch.zeros(9, 3))
