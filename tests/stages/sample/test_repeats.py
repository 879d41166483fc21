"""A generator that repeats training images and itself: what sampling and filtering make of it."""

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen.data.cache import load_images
from synthgen.data.splits import hold_out
from synthgen.dataset.verify import verify
from synthgen.generators.generator import Generator
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.image import to_float
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.sample.filter import filter_dataset


@pytest.fixture
def memorising(monkeypatch, digit_folder):
    """Every fourth candidate is a training image, every fourth one of five images of its class."""
    data = load_images(DataSettings.parse({"data": str(digit_folder)}))
    learnt, _ = hold_out(data.labels, 0.1, 0)
    of_class = [learnt[data.labels[learnt] == label] for label in range(3)]
    honest = Generator.candidates

    def candidates(self, labels, shards, numbers, **rest):
        made = honest(self, labels, shards, numbers, **rest)
        five = honest(self, labels, np.zeros_like(shards), numbers % 5, **rest)["image"]
        for row, (label, number) in enumerate(zip(labels.tolist(), numbers.tolist(), strict=True)):
            if number % 4 == 1:
                own = of_class[label]
                image = data.images[own[number % len(own)]]
                made["image"][row] = to_float(torch.from_numpy(np.array(image))[None])[0]
            elif number % 4 == 3:
                made["image"][row] = five[row]
        return made

    monkeypatch.setattr(Generator, "candidates", candidates)


def rules(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    return str(path)


ALL = "memorised: {max: 6}\nexact_duplicate:\nnear_duplicate: {max: 4, scope: dataset}\n"


def test_copies_and_training_images_are_thrown_out_while_sampling(sampled, memorising, tmp_path):
    report = sampled(n=90, images_per_shard=30, filters=rules(tmp_path, ALL), keep_rejects=True)
    assert verify(report.root).problems == []
    kept = pd.read_parquet(report.root / "data")
    thrown = pd.read_parquet(report.root / "rejects")
    assert len(kept) == 90 and not (kept["candidate"] % 4 == 1).any()
    why = thrown.groupby("reason")["candidate"]
    assert (why.get_group("memorised") % 4 == 1).mean() > 0.9
    repeated = thrown[thrown["reason"].isin(["exact_duplicate", "near_duplicate"])]
    assert len(repeated) > 10 and (repeated["candidate"] % 4 == 3).mean() > 0.8
    assert kept["train_row"].dtype == np.int64 and kept["train_row"].between(0, 299).all()
    assert (kept["train_distance"] >= 6).all() and (thrown["train_row"] >= 0).all()


def test_repeats_over_shards_are_dropped_to_the_same_bytes(
    sampled, memorising, run_folder, tmp_path
):
    """Each shard by itself, then those concerned again: the same bytes from a second start."""
    wanted = rules(tmp_path, ALL)
    first = sampled(n=60, images_per_shard=20, filters=wanted, out=str(tmp_path / "a"))
    again = sampled(n=60, images_per_shard=20, filters=wanted, out=str(tmp_path / "b"))
    shards = [sorted((root / "data").iterdir()) for root in (first.root, again.root)]
    assert len(shards[0]) == 3
    for one, other in zip(*shards, strict=True):
        assert one.read_bytes() == other.read_bytes()
    # Within the distance there is nothing left to drop, wherever it lies.
    report = filter_dataset(FilterSettings.parse({
        "dataset": str(first.root), "out": str(tmp_path / "c"), "filters": wanted,
        "generator": str(run_folder),
    }))  # fmt: skip
    assert report.kept >= 55


def test_filtering_later_finds_what_sampling_would_have(sampled, memorising, run_folder, tmp_path):
    first = sampled(n=90, images_per_shard=30)
    report = filter_dataset(FilterSettings.parse({
        "dataset": str(first.root), "out": str(tmp_path / "less"), "generator": str(run_folder),
        "filters": rules(tmp_path, ALL),
    }))  # fmt: skip
    rejected = {reason: sum(counts.values()) for reason, counts in report.rejected.items()}
    assert rejected["memorised"] >= 20
    assert rejected["exact_duplicate"] + rejected["near_duplicate"] > 5
    kept = pd.read_parquet(tmp_path / "less" / "data")
    assert (kept["train_distance"] >= 6).all() and kept["pixel_hash"].is_unique
    assert verify(report.root).problems == []
    looser = filter_dataset(FilterSettings.parse({
        "dataset": str(first.root), "out": str(tmp_path / "more"), "generator": str(run_folder),
        "filters": rules(tmp_path, ALL), "set": {"near_duplicate.max": 0, "train_distance.min": 0},
    }))  # fmt: skip
    assert looser.kept > report.kept
