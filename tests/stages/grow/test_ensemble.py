"""Classifiers that label a pool: what each has not seen, and what that says of their answers."""

import numpy as np
import torch

from synthgen.data.splits import Labelled
from synthgen.stages.grow import ensemble
from synthgen.stages.grow.ensemble import SEEN_BY_ALL, Teaching, parts_of, temperature_of
from synthgen.training.fixed_budget import Budget, Source


def test_every_label_is_held_out_of_one_member_and_no_member_lacks_a_class():
    labels = np.array([0] * 10 + [1] * 2 + [2] + [3] * 3)
    parts = parts_of(labels, 3, seed=4)
    assert parts[labels == 2].tolist() == [SEEN_BY_ALL]
    assert (parts[labels != 2] >= 0).all()
    for member in range(3):
        assert set(labels[parts != member]) == {0, 1, 2, 3}
    sizes = np.bincount(parts[labels == 0], minlength=3)
    assert sizes.max() - sizes.min() <= 1
    assert (parts_of(labels, 1, seed=4) == SEEN_BY_ALL).all()


def test_the_temperature_takes_back_what_is_too_sure():
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 5, generator=rng)
    truth = torch.multinomial(logits.softmax(dim=1), 1, generator=rng)[:, 0]
    assert 0.9 < temperature_of(logits, truth) < 1.1
    assert 3.6 < temperature_of(logits * 4, truth) < 4.4


def test_a_member_never_learns_from_its_part(digits, tmp_path, monkeypatch):
    images, labels = digits
    rows = np.flatnonzero(labels < 3)[:60]
    known = Labelled(images[rows], labels[rows])
    real, shown = ensemble.train_fixed_budget, []

    def noted(sources, *args, **kwargs):
        shown.append([source.rows for source in sources])
        return real(sources, *args, **kwargs)

    monkeypatch.setattr(ensemble, "train_fixed_budget", noted)
    budget = Budget(steps=25, batch_size=16, width=8, flip=False)
    teaching = Teaching(3, 2, budget, False, 5, torch.device("cpu"), torch.float32)
    trained = ensemble.train_members(known, 1.0, [], images, teaching, tmp_path)
    parts = parts_of(known.labels, 2, 5)
    assert [own[0].tolist() for own in shown] == [
        np.flatnonzero(parts != member).tolist() for member in range(2)
    ]
    assert trained.held_images == 60 and 0.4 < trained.held_out <= 1
    said = trained.probabilities(known.images, torch.device("cpu"))
    assert np.allclose(said.sum(axis=1), 1, atol=1e-5)
    again = ensemble.train_members(known, 1.0, [], images, teaching, tmp_path)
    assert len(shown) == 2  # they were found
    assert again.temperature == trained.temperature
    assert (again.probabilities(known.images, torch.device("cpu")) == said).all()


def test_fixmatch_shows_the_pool_beside_whatever_has_labels(digits, tmp_path, monkeypatch):
    images, labels = digits
    rows = np.flatnonzero(labels < 2)[:12]
    known = Labelled(images[rows], labels[rows])
    other = Source(known.images, known.labels, np.arange(12), 0.5)
    budget = Budget(steps=2, batch_size=8, width=8, flip=False)
    shown = []

    class Noted(ensemble.Pool):
        def next(self, count, device):
            shown.append(count)
            return super().next(count, device)

    monkeypatch.setattr(ensemble, "Pool", Noted)
    for fixmatch, others in ((True, []), (True, [other]), (False, [other])):
        teaching = Teaching(2, 1, budget, fixmatch, 5, torch.device("cpu"), torch.float32)
        folder = tmp_path / f"{fixmatch}-{len(others)}"
        share = 1 - sum(each.share for each in others)
        ensemble.train_members(known, share, others, images[:40], teaching, folder)
    assert shown == [8] * 4  # two steps of each with it
