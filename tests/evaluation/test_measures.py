"""On the features of real images, against scipy and scikit-learn in float64."""

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import polynomial_kernel

from synthgen.evaluation.embedding_map import embedding_map
from synthgen.evaluation.fidelity import embed
from synthgen.evaluation.measures import compare, matched, measure, nearest_class
from synthgen.features.classifier import LabelClassifier
from synthgen.spec.image import ImageSpec


@pytest.fixture(scope="module")
def extract():
    torch.manual_seed(0)
    network = LabelClassifier(ImageSpec(8, 8, 1), 10, width=8).eval().requires_grad_(False)
    return network.features


def frechet(a, b):
    cov = [np.cov(x, rowvar=False) for x in (a, b)]
    # The eigenvalues of a product of covariances are real and not negative but for rounding.
    cross = np.sqrt(scipy.linalg.eigvals(cov[0] @ cov[1]).real.clip(min=0)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov[0] + cov[1]) - 2 * cross


def kernel(a, b):
    def k(x, y):
        return polynomial_kernel(x, y, degree=3, gamma=1 / x.shape[1], coef0=1)

    def own(x):
        values = k(x, x)
        return (values.sum() - np.trace(values)) / (len(x) * (len(x) - 1))

    return own(a) + own(b) - 2 * k(a, b).mean()


def near(real, made, k=5):
    apart = pairwise_distances(real, made)
    reach = [np.sort(pairwise_distances(x), axis=1)[:, k] for x in (real, made)]
    inside = apart <= reach[0][:, None]
    recall = (apart <= reach[1][None]).any(axis=1).mean()
    return inside.any(axis=0).mean(), recall, inside.sum() / (k * len(made)), inside.any(1).mean()


def test_all_measures_agree_with_other_peoples_code_whatever_the_batch(digits, extract):
    images, labels = digits
    real, made = images[labels < 5][:300], images[labels > 3][:250]
    expected = None
    for batch in (250, 64, 7):
        features = [embed(extract, part, batch, torch.device("cpu")) for part in (real, made)]
        found = measure(*features)
        if expected is None:
            a, b = (part.double().numpy() for part in features)
            count = min(len(a), len(b))
            rows = np.unique(np.linspace(0, len(a) - 1, count).astype(int))
            expected = (frechet(b, a), kernel(b, a), *near(a[rows], b))
        values = (found.frechet_distance, found.kernel_distance, found.precision, found.recall,
                  found.density, found.coverage)  # fmt: skip
        assert values == pytest.approx(expected, rel=1e-3)


def test_sides_are_halves_of_the_real_images_and_equal_class_by_class():
    real, made = np.repeat([0, 1, 2], [40, 21, 3]), np.repeat([0, 1, 2], [15, 90, 50])
    sides = matched(real, made, 3)
    assert np.bincount(sides.labels).tolist() == [15, 10, 1]
    for rows, labels in ((sides.reference, real), (sides.real, real), (sides.made, made)):
        assert (labels[rows] == sides.labels).all() and len(set(rows)) == len(rows)
    assert not set(sides.reference) & set(sides.real)


def test_a_class_too_small_to_measure_is_left_out_and_the_nearest_class_is_named(digits, extract):
    images, labels = digits
    features = embed(extract, images, 64, torch.device("cpu"))
    labels = np.where(labels > 2, -1, labels)
    some = labels >= 0
    sides = matched(labels[some], np.repeat([0, 1, 2], [50, 50, 5]), 3)
    own = features[torch.from_numpy(some)]
    assert compare(own, own[:105], sides.of(2)) is None
    assert compare(own, own[:105], sides.of(0)).images == 50
    assert nearest_class(own, sides, 0, 3)[0] == 1, "the third has too few"


def test_the_map_shows_the_two_directions_of_most_variance_and_is_the_same_again(digits):
    images, labels = digits
    rows = np.flatnonzero(labels < 4)[:200]
    features = torch.from_numpy(images[rows].reshape(200, -1).astype(np.float32))
    places = embedding_map(features)
    assert places.shape == (200, 2) and places.min() >= 0 and places.max() <= 1
    assert torch.equal(places, embedding_map(features))
    spread = places.var(dim=0)
    variances = torch.linalg.eigvalsh(torch.cov(features.double().T)).flip(0)
    assert torch.allclose(spread[0] / spread[1], variances[0] / variances[1])
    assert abs(torch.corrcoef(places.T)[0, 1]) < 1e-9
    # Distances in two directions, at one scale: no pair lies further apart than it is.
    apart = torch.cdist(features.double(), features.double())
    scale = (variances[0] / spread[0]).sqrt()
    assert (torch.cdist(places, places) * scale <= apart + 1e-6 * apart.max()).all()
    # The map is of the features, not of the order or the signs that a decomposition gives.
    turned = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(embedding_map(features[turned]), places[turned])
    assert torch.isfinite(embedding_map(torch.zeros(20, 4))).all()
    one = embedding_map(torch.arange(5.0)[:, None])
    assert torch.allclose(one[:, 0], torch.linspace(0, 1, 5).double()) and (one[:, 1] == 0.5).all()
