"""The scenes of ``benchmarks/shortcut.py``: what goes with what, and what a hand makes of them."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.shortcut import TINY, Result, judged, text_of
from benchmarks.shortcut_scenes import (
    by_hand,
    confounded,
    patterns,
    scenes_of,
    textures_of,
    write_table,
)
from synthgen.training.fixed_budget import Source


def scenes(count=60, together=1.0):
    rng = np.random.default_rng(0)
    objects = np.zeros((count, 28, 28), dtype=np.uint8)
    objects[:, 8:20, 8:20] = rng.integers(60, 255, (count, 12, 12))
    labels = np.arange(count) % 3
    textures = textures_of(patterns(60), 3)
    return scenes_of(objects, labels, textures, confounded(labels, 3, together, 0), 0)


def test_textures_go_with_classes_as_often_as_they_are_to():
    labels = np.arange(3000) % 3
    assert (confounded(labels, 3, 1.0, 0) == labels).all()
    some = confounded(labels, 3, 0.9, 0)
    assert 0.88 < (some == labels).mean() < 0.92
    assert np.bincount(some[some != labels]).min() > 60


def test_chosen_textures_differ_in_colour_and_are_even():
    chosen = textures_of(patterns(60), 5)
    colors = chosen.reshape(5, -1, 3).mean(axis=1)
    gaps = np.linalg.norm(colors[:, None] - colors[None], axis=2)[~np.eye(5, dtype=bool)]
    assert chosen.shape == (5, 64, 64, 3) and gaps.min() > 25


def test_objects_lie_where_the_masks_say_and_by_hand_stay_before_others():
    found = scenes()
    assert found.masks[:, 10:22, 10:22].all() and found.masks.sum() == 60 * 144
    grey = np.ptp(found.images.astype(int), axis=3) == 0
    assert grey[found.masks].all() and grey[~found.masks].mean() < 0.2
    made = by_hand(found, 0)
    assert (made[found.masks] == found.images[found.masks]).all()
    same = (made == found.images).all(axis=3)[~found.masks].mean()
    assert same < 0.2


def test_the_table_is_read_with_backgrounds_beside_labels(tmp_path):
    import datasets

    found = scenes(12, 0.5)
    folder = write_table(found, ("a", "b", "c"), tmp_path / "scenes")
    rows = datasets.load_dataset(str(folder), split="train")
    assert rows["label"] == found.labels.tolist()
    assert rows["background"] == found.textures.tolist()
    assert (np.asarray(rows[3]["image"]) == found.images[3]).all()


@pytest.mark.parametrize("row", ["training rows alone", "cutmix", "balanced", "groupdro"])
def test_every_way_of_learning_is_judged_by_class_and_background(row):
    found = scenes(60, 0.5)
    groups = found.labels * 3 + found.textures
    learnt = Source(found.images, found.labels, np.arange(60), 1.0, groups=groups)
    result = judged(row, [learnt], found, replace(TINY, steps=2), 3, 0)
    assert result.row == row and 0 <= result.worst <= 100 and 0 <= result.accuracy <= 100


def test_single_seeds_stand_behind_their_mean():
    results = [Result("x", 0, 80.0, 50.0, 90.0), Result("x", 1, 84.0, 60.0, 92.0)]
    assert "| x | 82.0 (80.0, 84.0) | 55.0 (50.0, 60.0) |" in text_of(results, 0.95)


@pytest.mark.parametrize(
    ("more", "words"),
    [([], "--textures is missing"), (["--textures", "drawn", "--together", "2"], "is a share")],
)
def test_mistakes_are_one_line(more, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "shortcut", "--data", str(tmp_path), *more])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr().err
    assert stop.value.code == 2 and words in said and said.count("\n") == 1
