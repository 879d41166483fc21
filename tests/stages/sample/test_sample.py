import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import datasets
import duckdb
import numpy as np
import pandas as pd
import pytest
import torch

from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample import shard_maker
from synthgen.stages.sample.reproduce import reproduce
from synthgen.stages.sample.resolve import describe


def bytes_of(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("data", "rejects")
        for path in sorted((root / folder).glob("*"))
    }


def test_the_dataset_is_read_by_datasets_streaming_pandas_and_duckdb(sampled):
    report = sampled(classes=["two", "nought"], n=101, images_per_shard=40)
    root = str(report.root)
    data = datasets.load_dataset(root, split="train")
    assert len(data) == 101
    assert data.features["label"].names == ["two", "nought"]
    assert np.bincount(data["label"]).tolist() == [51, 50]
    image = data[0]["image"]
    assert image.size == (8, 8) and image.mode == "L"
    streamed = list(datasets.load_dataset(root, split="train", streaming=True))
    assert [row["candidate"] for row in streamed] == data["candidate"]
    frame = pd.read_parquet(report.root / "data")
    assert len(frame) == 101 and frame["image"][0]["bytes"][:4] == b"\x89PNG"
    counted = duckdb.sql(
        f"select label, count(*) from '{root}/data/*.parquet' group by 1 order by 1"
    )
    assert counted.fetchall() == [(0, 51), (1, 50)]
    assert verify(root).problems == []
    assert verify(root).rows == 101
    assert f'datasets.load_dataset("{root}")' in report.text()


def test_every_shard_mixes_its_classes(sampled):
    report = sampled(n=300, images_per_shard=100)
    for shard in sorted((report.root / "data").iterdir()):
        labels = pd.read_parquet(shard, columns=["label"])["label"]
        assert labels.value_counts().max() <= 35
        assert labels[:30].nunique() == labels[-30:].nunique() == 3


def test_splits_have_exactly_their_shares(sampled):
    report = sampled(n=100, splits={"train": 0.9, "test": 0.1}, images_per_shard=50)
    loaded = datasets.load_dataset(str(report.root))
    assert {name: len(part) for name, part in loaded.items()} == {"train": 90, "test": 10}
    everything = [*loaded["train"]["label"], *loaded["test"]["label"]]
    assert np.bincount(everything).tolist() == [34, 33, 33]


def test_the_same_seed_gives_the_same_bytes_with_one_worker_or_two(sampled, tmp_path):
    one = sampled(n=200, images_per_shard=50, out=str(tmp_path / "one"))
    two = sampled(n=200, images_per_shard=50, out=str(tmp_path / "two"), workers=2)
    other = sampled(n=200, images_per_shard=50, out=str(tmp_path / "other"), seed=1)
    assert bytes_of(one.root) == bytes_of(two.root)
    assert bytes_of(one.root) != bytes_of(other.root)


def test_a_shard_is_begun_while_the_one_before_it_is_finished(sampled, tmp_path, monkeypatch):
    alone = sampled(n=60, images_per_shard=30)
    draw, second_begun, waited = shard_maker.draw_candidates, threading.Event(), []

    def drawn(source, keys, latents, shard, labels, candidates):
        if shard == 1:
            second_begun.set()
        elif not waited:
            waited.append(second_begun.wait(30))
        return draw(source, keys, latents, shard, labels, candidates)

    monkeypatch.setattr(shard_maker, "draw_candidates", drawn)
    monkeypatch.setattr(shard_maker, "lane_count", lambda threads: 2)
    both = sampled(n=60, images_per_shard=30, out=str(tmp_path / "both"))
    assert waited == [True]
    assert bytes_of(both.root) == bytes_of(alone.root)


def test_a_killed_run_resumes_to_the_same_bytes(sampled, run_folder, tmp_path):
    whole = sampled(n=3000, images_per_shard=100, out=str(tmp_path / "whole"))
    command = [
        sys.executable, "-m", "synthgen", "sample", "--generator", str(run_folder), "--n", "3000",
        "--filters", "none", "--device", "cpu", "--precision", "fp32", "--batch-size", "64",
        "--images-per-shard", "100", "--out", str(tmp_path / "killed"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    data = tmp_path / "killed/data"
    for _ in range(12_000):
        if data.is_dir() and len(list(data.iterdir())) >= 3:
            break
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = {path.name: path.stat().st_mtime_ns for path in data.iterdir()}
    assert 3 <= len(left) < 30
    assert not (tmp_path / "killed/README.md").exists()
    resumed = sampled(mode="resume", n=3000, images_per_shard=100, out=str(tmp_path / "killed"))
    assert bytes_of(resumed.root) == bytes_of(whole.root)
    # At most the shard that had no receipt yet was made again.
    again = [name for name, at in left.items() if (data / name).stat().st_mtime_ns != at]
    assert len(again) <= 1 and resumed.made <= 30 - len(left) + 1
    assert verify(resumed.root).problems == []


def test_a_finished_run_is_not_made_again(sampled):
    first = sampled(n=30)
    before = bytes_of(first.root)
    assert sampled(n=30).made == 0
    assert bytes_of(first.root) == before


def test_a_folder_of_another_run_names_the_key_that_differs(sampled):
    sampled(n=30)
    with pytest.raises(SynthgenError, match=r"holds a run with seed=0, not 7; .*--overwrite"):
        sampled(n=30, seed=7)
    with pytest.raises(SynthgenError, match=r"holds a run with n=30, not 60; .*--extend"):
        sampled(n=60)
    with pytest.raises(SynthgenError) as long:
        sampled(n=30, filters="default")
    theirs, mine = re.search(r"filters=(\S.*), not (.*); name", str(long.value)).groups()
    assert theirs != mine and max(len(theirs), len(mine)) < 100
    assert sampled(mode="overwrite", n=60, seed=7).plan.rows == 60


def test_a_folder_with_other_files_is_left_alone(sampled, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("years of work")
    for mode in ("new", "overwrite"):
        with pytest.raises(SynthgenError, match=r"holds 'thesis.txt', which synthgen did not make"):
            sampled(mode=mode, n=3)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_resuming_nothing_is_an_error(sampled):
    with pytest.raises(SynthgenError, match="holds no run to resume"):
        sampled(mode="resume", n=3)


def test_extending_leaves_earlier_rows_as_they_were(sampled):
    small = sampled(n=100, images_per_shard=60)
    before = bytes_of(small.root)
    large = sampled(mode="extend", n=301, images_per_shard=60)
    after = bytes_of(large.root)
    assert all(after[name] == digest for name, digest in before.items())
    assert large.plan.per_class == {"nought": 101, "one": 100, "two": 100}
    assert len(datasets.load_dataset(str(large.root), split="train")) == 301
    assert verify(large.root).problems == []
    assert large.made_rows == 301 - 100  # what the rate is of
    with pytest.raises(SynthgenError, match="--extend only adds"):
        sampled(mode="extend", n=50, images_per_shard=60)


@pytest.mark.parametrize("n", [1, 2])
def test_fewer_images_than_classes_is_fine(sampled, n):
    report = sampled(n=n)
    assert report.plan.per_class == {"nought": 1, "one": n - 1, "two": 0}
    assert len(datasets.load_dataset(str(report.root), split="train")) == n
    assert verify(report.root).problems == []


def test_filters_throw_away_and_rejects_can_be_kept(sampled, tmp_path):
    (tmp_path / "mild.yaml").write_text("label_agreement: {min: 0.1}\n")
    report = sampled(n=60, filters=str(tmp_path / "mild.yaml"), keep_rejects=True)
    rejected = {r: sum(c.values()) for r, c in report.receipts[0].rejected.items()}
    assert sum(rejected.values()) > 0
    thrown = datasets.load_dataset(str(report.root), "rejects", split="train")
    reasons = pd.Series(thrown["reason"]).value_counts().to_dict()
    assert reasons == {reason: count for reason, count in rejected.items() if count}
    kept = pd.read_parquet(report.root / "data")
    assert {"brightness", "contrast", "entropy", "sharpness", "label_agreement"} <= set(kept)
    manifest = json.loads((report.root / "manifest.json").read_text())
    bounds = manifest["settings"]["filters"]["bounds"]
    low = next(b["low"] for b in bounds if b["score"] == "label_agreement")
    assert (kept["label_agreement"] >= np.asarray(low, np.float32)[kept["label"]]).all()
    assert verify(report.root).problems == []


def test_a_class_under_the_acceptance_floor_stops_the_run_with_the_counts(sampled, tmp_path):
    # Within the middle tenth of real images in four statistics at once: hardly any image is.
    (tmp_path / "strict.yaml").write_text("statistics: {quantile: 0.45, margin: 0}\n")
    strict = {"filters": str(tmp_path / "strict.yaml"), "acceptance_floor": 0.5}
    with pytest.raises(SynthgenError, match=r"class '\w+' keeps \d+ of \d+ .*statistics \d+"):
        sampled(n=3000, **strict)
    assert not list((tmp_path / "out").glob("data/*"))


@pytest.mark.parametrize("image_format", ["png", "webp", "jpeg"])
def test_a_row_is_made_again_from_its_provenance(sampled, run_folder, image_format):
    report = sampled(n=40, images_per_shard=15, image_format=image_format)
    for row in (0, 17, 39):
        made = reproduce(report.root, row, generator=str(run_folder), device="cpu")
        assert made.same
        assert image_format == "jpeg" or made.largest == 0
    with pytest.raises(SynthgenError, match="row 40 is not in split 'train'"):
        reproduce(report.root, 40, generator=str(run_folder))


def test_images_that_repeat_across_shards_are_replaced(sampled, monkeypatch, tmp_path):
    """A generator with few different images per class: shards must not share any of them."""
    from synthgen.generators.generator import Generator

    drawn = Generator.candidates

    def narrow(self, labels, shards, candidates, **settings):
        return drawn(self, labels, shards * 0, (candidates + 7 * shards) % 80, **settings)

    monkeypatch.setattr(Generator, "candidates", narrow)
    (tmp_path / "unique.yaml").write_text("exact_duplicate: true\n")
    report = sampled(n=120, images_per_shard=60, filters=str(tmp_path / "unique.yaml"))
    hashes = pd.read_parquet(report.root / "data")["pixel_hash"]
    assert hashes.nunique() == len(hashes) == 120
    assert sum(report.receipts[1].rejected["exact_duplicate"].values()) > 0
    assert verify(report.root).problems == []


def test_an_image_that_is_not_finite_is_never_written(sampled, monkeypatch):
    from synthgen.generators.generator import Generator

    generate = Generator.generate

    def broken(self, flat, labels, **rest):
        images = {"image": generate(self, flat, labels, **rest)["image"].clone()}
        images["image"][flat[:, 0] > 0] = torch.nan
        return images

    monkeypatch.setattr(Generator, "generate", broken)
    report = sampled(n=50)
    assert sum(report.receipts[0].rejected["validity"].values()) > 10
    assert verify(report.root).problems == []


def test_a_dry_run_shows_the_plan_and_writes_nothing(run_folder, tmp_path):
    values = {"generator": str(run_folder), "n": 100, "out": str(tmp_path / "out"), "device": "cpu"}
    text = describe(SampleSettings.parse(values))
    assert "100 images in 1 shards" in text and "class two: 33" in text
    assert not (tmp_path / "out").exists()


def test_two_hundred_classes(tmp_path):
    """From a generator without classifier or calibration, untrained: counts must be exact all the same."""
    from synthgen.algorithms.registry import build
    from synthgen.generators.bundle import Criteria, save_bundle
    from synthgen.spec.image import ImageSpec
    from synthgen.spec.task import label_to_image
    from synthgen.stages.sample.stage import sample

    names = tuple(f"kind {k}" for k in range(200))
    task = label_to_image(names, ImageSpec(8, 8, 3))
    options = {"width": 4, "widest": 8, "latent": 4, "style": 8}
    save_bundle(
        tmp_path / "many", algorithm="r3gan", options=options, task=task,
        built=build("r3gan", task, options), criteria=Criteria(), metrics={}, training={},
    )  # fmt: skip
    values = {"generator": str(tmp_path / "many"), "n": 1001, "out": str(tmp_path / "out")}
    with pytest.raises(SynthgenError, match="--filters none"):
        sample(SampleSettings.parse(values))
    report = sample(SampleSettings.parse({**values, "filters": "none", "images_per_shard": 400}))
    labels = datasets.load_dataset(str(report.root), split="train")["label"]
    assert np.bincount(labels).tolist() == [6] + [5] * 199
    assert verify(report.root).problems == []


def test_the_classifiers_score_can_be_left_out_and_measured_later(sampled, run_folder, tmp_path):
    from synthgen.spec.filter_settings import FilterSettings
    from synthgen.stages.sample.filter import filter_dataset

    report = sampled(n=20, scores="statistics")
    columns = set(pd.read_parquet(report.root / "data").columns)
    assert "sharpness" in columns and "label_agreement" not in columns
    assert verify(report.root).problems == []
    wanted = r"filter 'label_agreement' asks for the score 'label_agreement', which .* not have"
    with pytest.raises(SynthgenError, match=wanted):
        sampled(mode="overwrite", n=20, scores="statistics", filters="default")
    values = {
        "dataset": str(report.root),
        "generator": str(run_folder),
        "out": str(tmp_path / "less"),
    }
    found = filter_dataset(FilterSettings.parse({**values, "set": {"label_agreement.min": 0.6}}))
    assert 0 < found.kept < 20
    assert set(pd.read_parquet(tmp_path / "less" / "data").columns) == columns
