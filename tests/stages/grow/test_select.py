"""Which pool images keep their label: the sure ones, and of no class more than its measure."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.stages.grow.select import Chosen, choose, most_of


def pools(rng, images, classes, lean):
    """Probabilities and shares; ``lean`` lets the first class run away."""
    logits = rng.normal(scale=2.0, size=(images, classes))
    logits[:, 0] += lean
    shares = rng.dirichlet(np.full(classes, 5.0))
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), shares


def faults(chosen, probabilities, shares, confidence, ratio, known):
    """What of the promise does not hold."""
    labels, sure = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float32)
    candidates = (sure >= np.float32(confidence)) & ~known
    counts = np.bincount(labels[candidates], minlength=len(shares))
    found = []
    if (chosen.kept & ~candidates).any():
        found.append("unsure or known ones are kept")
    there = np.flatnonzero(counts)
    middle = np.sort(counts[there] / shares[there])[(len(there) - 1) // 2] if len(there) else 0
    for label in range(len(shares)):
        own = candidates & (labels == label)
        kept, left = own & chosen.kept, own & ~chosen.kept
        most = math.ceil(ratio * shares[label] * middle - 1e-9)
        if kept.sum() > most:
            found.append(f"class {label} runs away")
        if left.any() and kept.sum() < most:
            found.append(f"class {label} lacks some that it might have")
        if left.any() and kept.any() and sure[left].max() > sure[kept].min():
            found.append(f"class {label} has not its surest")
    if chosen.unsure + chosen.surplus + chosen.kept.sum() + known.sum() != len(labels):
        found.append("the counts do not add up")
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(1, 120), st.integers(2, 6),
    st.sampled_from([0.0, 0.5, 0.8]), st.sampled_from([1.0, 1.5, 3.0]), st.sampled_from([0, 3]),
)  # fmt: skip
def test_only_sure_images_are_kept_and_no_class_runs_away(
    seed, images, classes, confidence, ratio, lean
):
    rng = np.random.default_rng(seed)
    probabilities, shares = pools(rng, images, classes, lean)
    known = rng.random(images) < 0.1
    chosen = choose(probabilities, shares, confidence=confidence, ratio=ratio, known=known)
    assert faults(chosen, probabilities, shares, confidence, ratio, known) == []


def all_sure(labels, sure, candidates, most):
    return candidates


def first_of_class(labels, sure, candidates, most):
    kept = np.zeros_like(candidates)
    for label, limit in enumerate(most):
        kept[np.flatnonzero(candidates & (labels == label))[:limit]] = True
    return kept


def surest_of_all(labels, sure, candidates, most):
    kept = np.zeros_like(candidates)
    kept[np.argsort(-sure)[: sum(most)]] = True
    return kept & candidates


def whatever_confidence(labels, sure, candidates, most):
    return np.ones_like(candidates)


@pytest.mark.parametrize(
    "way", [all_sure, first_of_class, surest_of_all, whatever_confidence], ids=lambda w: w.__name__
)
def test_ways_that_look_alike_break_the_promise(way):
    rng = np.random.default_rng(0)
    probabilities, shares = pools(rng, 300, 4, 3)
    labels, sure = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float32)
    candidates = sure >= 0.6
    counts = np.bincount(labels[candidates], minlength=4)
    kept = way(labels, sure, candidates, most_of(counts, shares, 1.5))
    chosen = Chosen(
        labels, sure, kept, int((~candidates & ~kept).sum()), int((candidates & ~kept).sum())
    )
    assert faults(chosen, probabilities, shares, 0.6, 1.5, np.zeros(300, dtype=bool)) != []


def test_half_of_the_classes_that_run_away_are_held_by_the_others():
    even = np.full(4, 0.25)
    assert most_of(np.array([900, 800, 10, 12]), even, 2.0) == [24, 24, 24, 24]
    assert most_of(np.array([900, 0, 0, 0]), even, 2.0) == [1800] * 4
    assert most_of(np.zeros(4, dtype=int), even, 2.0) == [0] * 4
    assert most_of(np.array([30, 10]), np.array([0.75, 0.25]), 1.0) == [30, 10]
