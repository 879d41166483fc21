from dataclasses import replace

import numpy as np
import pytest
import torch

from synthgen.quality.repeats import RepeatRule, Seen, find_repeats

RULE = RepeatRule("near_duplicate", "fingerprint", (40.0, 25.0), 1, "shard")


def crowd(count=400, seed=0):
    """Codes with nine shifts, in a few clouds, so that many lie near others."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(-90, 90, (25, 32))
    own = centres[rng.integers(0, 25, count)] + rng.integers(-6, 7, (count, 32))
    codes = own[:, None] + rng.integers(-12, 13, (count, 9, 32))
    codes[:, 4] = own
    labels = rng.integers(0, 2, count)
    return torch.from_numpy(codes.clip(-127, 127).astype(np.int8)), labels


def one_after_another(codes, labels, chosen):
    """The definition, row by row."""
    kept, repeats = [], []
    for row in np.flatnonzero(chosen):
        others = [other for other in kept if labels[other] == labels[row]]
        apart = (codes[row].double()[:, None] - codes[others][:, 4].double()).norm(dim=2)
        if others and bool((apart <= RULE.distance[labels[row]]).any()):
            repeats.append(int(row))
        else:
            kept.append(int(row))
    return repeats


@pytest.mark.parametrize("seed", range(3))
def test_blocks_find_what_comparing_one_after_another_finds(seed):
    codes, labels = crowd(seed=seed)
    chosen = np.random.default_rng(seed).random(400) < 0.9
    wanted = one_after_another(codes, labels, chosen)
    assert 50 < len(wanted) < 350
    assert find_repeats(RULE, codes, labels, chosen).tolist() == wanted


@pytest.mark.parametrize("batch", [7, 64, 400])
def test_a_sampler_finds_the_same_whatever_the_batch(batch):
    codes, labels = crowd()
    seen, found = Seen(RULE), []
    for start in range(0, 400, batch):
        part = slice(start, start + batch)
        seen.look(codes[part], labels[part])
        for row in range(len(labels[part])):
            if seen.repeats(row):
                found.append(start + row)
            else:
                seen.add(row)
    assert found == one_after_another(codes, labels, np.ones(400, bool))


def test_rows_of_one_group_do_not_repeat_each_other():
    codes = torch.zeros(4, 1, 32, dtype=torch.int8)
    labels, groups = np.zeros(4, np.int64), np.array([0, 0, 1, 1])
    everything = np.ones(4, bool)
    assert find_repeats(RULE, codes, labels, everything).tolist() == [1, 2, 3]
    assert find_repeats(RULE, codes, labels, everything, groups).tolist() == [2, 3]


def test_a_limit_beyond_every_distance_makes_all_but_the_first_a_repeat():
    codes, labels = crowd(60)
    for limit in (1e5, float("inf")):
        rule = replace(RULE, distance=(limit, limit))
        first = {int(np.flatnonzero(labels == label)[0]) for label in (0, 1)}
        found = find_repeats(rule, codes, labels, np.ones(60, bool))
        assert set(range(60)) - set(found.tolist()) == first
