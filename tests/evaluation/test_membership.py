"""An attack that knows nothing is at chance; one that knows is counted right."""

import numpy as np
import pytest

from synthgen.evaluation.membership import attack, calibrated, margins


def normal(seed, shift=0.0, count=4000):
    return np.random.default_rng(seed).normal(size=count) + shift


def test_scores_that_say_nothing_are_at_chance():
    found = attack(normal(0), normal(1))
    assert abs(found.area - 0.5) < 0.02 and abs(found.balanced_accuracy - 0.5) < 0.02
    assert abs(found.found - 0.01) < 0.006 and (found.members, found.others) == (4000, 4000)
    # A threshold that is chosen on the images it is measured on looks better than chance.
    few = [attack(normal(seed, count=40), normal(seed + 99, count=40)) for seed in range(60)]
    assert abs(np.mean([one.balanced_accuracy for one in few]) - 0.5) < 0.02


def test_two_laws_a_deviation_apart_are_told_as_theory_says():
    found = attack(normal(0, 1.0, 40_000), normal(1, count=40_000))
    assert found.area == pytest.approx(0.7602, abs=0.01)  # Phi(1 / sqrt 2)
    assert found.balanced_accuracy == pytest.approx(0.6915, abs=0.01)  # Phi(1 / 2)
    assert found.found == pytest.approx(0.0924, abs=0.01)  # Phi(1 - 2.326)


def test_members_that_stand_apart_are_all_found_and_ties_are_halves():
    whole = attack(normal(0, 50), normal(1))
    assert (whole.area, whole.found) == (1, 1) and whole.balanced_accuracy > 0.999
    same = attack(np.ones(10), np.ones(10))
    assert same.area == 0.5 and same.balanced_accuracy == 0.5 and same.found == 0
    turned = attack(normal(0), normal(1, 50))
    assert turned.area == 0 and turned.found == 0


def test_false_positives_stay_under_one_in_a_hundred():
    others = normal(3, count=1000)
    members = others.copy()  # as many of them are found as others are
    assert attack(members, others).found <= 0.01


def test_margins_order_images_as_their_losses_do():
    logits = np.random.default_rng(0).normal(size=(50, 4)) * 3
    labels = np.arange(50) % 4
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = shares[np.arange(50), labels]
    assert np.allclose(margins(logits, labels), np.log(own) - np.log1p(-own))
    sure = margins(np.array([[80.0, 0.0], [90.0, 0.0]]), np.zeros(2, dtype=np.int64))
    assert sure[1] > sure[0]  # where both probabilities are 1 to a float


def test_how_hard_images_are_anyhow_is_taken_away():
    hard, known = normal(5, count=6000) * 3, np.arange(6000) < 3000
    scores = hard + known * 1.0 + normal(6, count=6000) * 0.3
    references = [hard + normal(seed, count=6000) * 0.3 for seed in (7, 8)]
    plain = attack(scores[known], scores[~known])
    better = attack(*(calibrated(scores, references)[one] for one in (known, ~known)))
    assert plain.area < 0.65 and better.area > 0.95


def test_what_cannot_be_attacked_is_refused():
    for members, others in [(np.ones(1), np.ones(5)), (np.ones(5), np.array([1.0, np.nan]))]:
        with pytest.raises(ValueError, match="attack"):
            attack(members, others)
    with pytest.raises(ValueError, match="name a learner"):
        calibrated(np.ones(3), [])
