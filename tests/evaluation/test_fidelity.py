import numpy as np
import scipy.linalg
import torch

from synthgen.evaluation.diversity import class_diversity
from synthgen.evaluation.fidelity import embed, frechet_distance


def test_the_frechet_distance_agrees_with_the_direct_formula():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(400, 12)) @ rng.normal(size=(12, 12))
    b = rng.normal(size=(300, 12)) @ rng.normal(size=(12, 12)) + 0.5
    cov = [np.cov(x, rowvar=False) for x in (a, b)]
    root = scipy.linalg.sqrtm(cov[0] @ cov[1]).real
    direct = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov[0] + cov[1] - 2 * root)
    ours = frechet_distance(torch.from_numpy(a), torch.from_numpy(b))
    assert np.isclose(ours, direct, rtol=1e-6)
    assert abs(frechet_distance(torch.from_numpy(a), torch.from_numpy(a))) < 1e-6


def test_a_shift_is_measured_even_with_fewer_rows_than_features():
    a = torch.randn(20, 64, generator=torch.Generator().manual_seed(0))
    assert np.isclose(frechet_distance(a, a + 1.0), 64.0, rtol=1e-3)


def test_embedding_does_not_depend_on_the_batch(digits):
    images = digits[0][:50]
    one, many = (
        embed(lambda x: x.flatten(1), images, size, torch.device("cpu")) for size in (7, 50)
    )
    assert torch.equal(one, many)
    assert one.min() >= -1 and one.max() <= 1


def test_diversity_is_the_distance_between_two_members():
    features = torch.tensor([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0], [1.0, 1.0], [7.0, 7.0]])
    spread = class_diversity(features, torch.tensor([0, 0, 1, 1, 2]), 3)
    assert np.isclose(spread[0], 5.0)
    assert spread[1] == 0 and torch.isnan(spread[2])
