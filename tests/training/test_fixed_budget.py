"""The utility classifier: the same steps whatever it is shown, and a function of its seed."""

import numpy as np
import pytest
import torch

from synthgen.training.fixed_budget import (
    Budget,
    Source,
    batch_counts,
    confusion,
    train_fixed_budget,
)

QUICK = Budget(steps=60, batch_size=16, width=8, flip=False)
CPU = {"device": torch.device("cpu"), "precision": torch.float32}


@pytest.fixture(scope="module")
def two_digits(digits):
    images, labels = digits
    return images[labels < 2], labels[labels < 2]


def test_it_learns_and_the_same_seed_gives_the_same_classifier(two_digits):
    images, labels = two_digits
    source = Source(images, labels, np.arange(0, len(labels), 2), 1.0)
    first = train_fixed_budget([source], 2, QUICK, seed=3, **CPU)
    again = train_fixed_budget([source], 2, QUICK, seed=3, **CPU)
    other = train_fixed_budget([source], 2, QUICK, seed=4, **CPU)
    counts = confusion(first, images[1::2], labels[1::2], CPU["device"])
    assert counts.trace() / counts.sum() > 0.95 and counts.sum() == len(labels[1::2])
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters()))
    assert not torch.equal(first.head.weight, other.head.weight)


def test_every_mix_takes_the_same_number_of_images(two_digits):
    images, labels = two_digits
    rows = np.arange(len(labels))
    shown = []
    for shares in ((1.0,), (0.5, 0.5), (0.25, 0.75)):
        sources = [Source(images, labels, rows, share) for share in shares]
        total = []
        train_fixed_budget(
            sources, 2, Budget(steps=3, width=8), seed=0, progress=total.append, **CPU
        )
        shown.append(sum(total))
    assert shown == [3 * 64] * 3


def test_shares_become_whole_numbers_that_fill_the_batch():
    assert batch_counts((0.5, 0.5), 65) in ([32, 33], [33, 32])
    assert batch_counts((0.1, 0.2, 0.7), 64) == [6, 13, 45]
    assert batch_counts((1.0,), 64) == [64]


def test_the_last_steps_show_the_first_source_alone(two_digits, monkeypatch):
    from synthgen.training.batches import RealBatches

    images, labels = two_digits
    rows = np.arange(len(labels))
    asked, real_at = [], RealBatches.at

    def at(self, start, count, device):
        asked.append((count, start))
        return real_at(self, start, count, device)

    monkeypatch.setattr(RealBatches, "at", at)
    sources = [Source(images, labels, rows, 0.25), Source(images, labels, rows, 0.75)]
    budget = Budget(steps=4, batch_size=8, width=8)
    train_fixed_budget(sources, 2, budget, seed=0, first_alone=0.5, **CPU)
    assert asked == [(2, 0), (6, 0), (2, 2), (6, 6), (8, 4), (8, 12)]
