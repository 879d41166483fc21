"""The second witness of labels: fitted to real features, right of those it was not fitted to."""

import numpy as np
import pytest
import torch
from sklearn import linear_model

from synthgen.evaluation.linear_probe import FEWEST, fit_probe, share_right


@pytest.fixture(scope="module")
def blobs():
    """Three classes in 40 features of very different scale, overlapping a little."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 200)
    centres = rng.normal(size=(3, 40)) * 0.6
    scales = 10.0 ** rng.integers(-3, 4, 40)
    features = (centres[labels] + rng.normal(size=(600, 40))) * scales
    return torch.from_numpy(features).float(), torch.from_numpy(labels)


def test_it_is_as_right_as_another_librarys_regression(blobs):
    features, labels = blobs
    probe = fit_probe(features[::2], labels[::2], 3)
    ours = (probe.classes_of(features[1::2]) == labels[1::2]).float().mean()
    rows = (features - features[::2].mean(dim=0)) / features[::2].std(dim=0)
    theirs = max(
        linear_model.LogisticRegression(C=strength, max_iter=500)
        .fit(rows[::2].numpy(), labels[::2].numpy())
        .score(rows[1::2].numpy(), labels[1::2].numpy())
        for strength in (0.001, 0.01, 0.1, 1.0)
    )
    assert ours > 0.8 and ours >= theirs - 0.03


def test_labels_that_features_do_not_tell_are_chance(blobs):
    features, labels = blobs
    shuffled = labels[torch.randperm(600, generator=torch.Generator().manual_seed(0))]
    probe = fit_probe(features[::2], shuffled[::2], 3)
    right = (probe.classes_of(features[1::2]) == shuffled[1::2]).float().mean()
    assert 0.2 < right < 0.45


def test_equal_rows_give_equal_probes_and_gradients_are_not_asked_for(blobs):
    features, labels = blobs
    with torch.inference_mode():
        first, second = (fit_probe(features.clone(), labels.clone(), 3) for _ in range(2))
    assert torch.equal(first.weight, second.weight) and torch.equal(first.bias, second.bias)


def test_there_is_none_where_there_is_nothing_to_tell_apart(blobs):
    features, labels = blobs
    assert fit_probe(features, torch.zeros_like(labels), 1) is None
    few = torch.cat([torch.arange(200), torch.arange(200, 200 + FEWEST - 1)])
    assert fit_probe(features[few], labels[few], 2) is None


def test_shares_are_by_class():
    guesses, labels = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 0, 0, 2])
    assert share_right(guesses, labels, 3) == pytest.approx([2 / 3, None, 1.0])
