"""Judging again, comparing with real images, publishing."""

import os
from pathlib import Path

import datasets
import numpy as np
import pytest

from synthgen.dataset.layout import Layout
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.filter_settings import FilterSettings
from synthgen.stages.publish.stage import publish
from synthgen.stages.sample.filter import filter_dataset
from synthgen.stages.sample.reproduce import reproduce


def again(folder, out, run_folder, mode="new", **changes):
    values = {"dataset": str(folder), "out": str(out), "filters": "none",
              "generator": str(run_folder)}  # fmt: skip
    return filter_dataset(FilterSettings.parse({**values, **changes}), mode)


def test_a_tighter_filter_keeps_the_rows_that_pass_byte_for_byte(sampled, run_folder, tmp_path):
    first = sampled(n=120, images_per_shard=50, splits={"train": 0.75, "test": 0.25})
    report = again(first.root, tmp_path / "tight", run_folder, set={"label_agreement.min": 0.6})
    assert verify(report.root).problems == []
    for split in ("train", "test"):
        old = datasets.load_dataset(str(first.root), split=split).cast_column(
            "image", datasets.Image(decode=False)
        )
        new = datasets.load_dataset(str(report.root), split=split).cast_column(
            "image", datasets.Image(decode=False)
        )
        wanted = [row for row in old if row["label_agreement"] >= np.float32(0.6)]
        assert list(new) == wanted and 0 < len(new) < len(old)
    assert report.judged == 120 and sum(report.rejected["label_agreement"].values()) == (
        120 - report.kept
    )
    assert reproduce(report.root, 3, generator=str(run_folder)).same
    # The same again finds it done; other limits are another dataset.
    assert again(first.root, tmp_path / "tight", run_folder, set={"label_agreement.min": 0.6}).kept
    with pytest.raises(SynthgenError, match="holds a run with filters"):
        again(first.root, tmp_path / "tight", run_folder, set={"label_agreement.min": 0.7})


def test_rejects_that_were_kept_may_come_back(sampled, run_folder, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("label_agreement: {min: 0.7}\n")
    first = sampled(n=60, filters=str(rules), keep_rejects=True)
    thrown = sum(sum(r.rejected["label_agreement"].values()) for r in first.receipts)
    assert thrown > 0
    report = again(first.root, tmp_path / "all", run_folder)
    assert report.kept == report.judged == 60 + thrown
    assert verify(report.root).problems == []


def test_repeats_are_dropped_over_the_whole_dataset(sampled, run_folder, tmp_path, monkeypatch):
    first = sampled(n=40, images_per_shard=20)
    import synthgen.stages.judging.stored_verdicts as stage

    real = stage.read_rows

    def doubled(layout, shard, manifest):
        rows = real(layout, shard, manifest)
        rows.pixel_hashes[:3] = [7, 7, 8]
        return rows

    monkeypatch.setattr(stage, "read_rows", doubled)
    rules = tmp_path / "rules.yaml"
    rules.write_text("exact_duplicate: true\n")
    report = again(first.root, tmp_path / "once", run_folder, filters=str(rules))
    # Two shards with hashes 7, 7, 8 each: four of the six repeat another.
    assert sum(report.rejected["exact_duplicate"].values()) == 4 and report.kept == 36


def test_mistakes_are_told(sampled, run_folder, tmp_path):
    first = sampled(n=30)

    def fails(text, folder=first.root, **changes):
        with pytest.raises(SynthgenError, match=text):
            again(folder, tmp_path / "no", run_folder, **changes)
        assert not (tmp_path / "no").exists()

    fails("is no finished synthgen dataset", folder=tmp_path)
    fails("write SCORE.min=X", set={"entropy": 3})
    fails("has no score 'beauty'", set={"beauty.min": 3})
    fails("no image passes", set={"brightness.min": 1e9})
    fails("is not the one that made", generator="fashion-mnist-28")
    fails("is not a number", set={"entropy.min": float("nan")})
    rules = tmp_path / "rules.yaml"
    rules.write_text("near_duplicate: {max: 3}\n")
    fails("a distance is not negative", filters=str(rules), set={"near_duplicate.max": -1})
    rules.write_text("# nothing yet\n")
    fails("names no filters", filters=str(rules))
    fails("say with --generator where its bundle is", generator=None)


def test_a_dataset_is_never_made_of_itself_over_itself(sampled, run_folder, tmp_path):
    """With --overwrite the folder was cleared before it was read."""
    root = sampled(n=30).root
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    (tmp_path / "link").symlink_to(root)
    for out in (root, root / "inside", tmp_path / "link"):
        for mode in ("new", "overwrite"):
            with pytest.raises(SynthgenError, match="lies in it"):
                again(root, out, run_folder, mode)
        with pytest.raises(SynthgenError, match="lies in it"):
            publish(root, str(out))
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    beside = tmp_path / f"{root.name}-beside"  # begins alike, lies elsewhere
    assert again(root, beside, run_folder).kept == 30


def test_publishing_copies_everything_with_the_card_last(sampled, tmp_path, monkeypatch):
    report = sampled(n=40, images_per_shard=20)
    order = []
    real = os.replace

    def noting(source, target):
        if tmp_path / "there" in Path(target).parents:
            order.append(Path(target).name)
        real(source, target)

    monkeypatch.setattr(os, "replace", noting)
    publish(report.root, str(tmp_path / "there"))
    assert order[-1] == "README.md" and order[-2] == "manifest.json"
    assert verify(tmp_path / "there").rows == 40
    assert len(datasets.load_dataset(str(tmp_path / "there"), split="train")) == 40
    assert not (tmp_path / "there" / ".synthgen").exists()
    order.clear()
    publish(report.root, str(tmp_path / "there"))  # all is there: nothing is sent again
    assert order == []
    # A file of the same size and other content is; the card goes first and comes last.
    shard = tmp_path / "there" / "data" / "train-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    (tmp_path / "there" / "data" / "train-00002.parquet").write_bytes(b"of an older state")
    (tmp_path / "there" / "data" / "notes.txt").write_text("somebody's own")
    publish(report.root, str(tmp_path / "there"))
    assert order == ["train-00001.parquet", "README.md"]
    assert list(map(str, verify(tmp_path / "there").problems)) == [
        "data/notes.txt: not in the plan"
    ]
    publish(report.root, "memory://bucket/set")
    Layout(report.root).card.unlink()
    with pytest.raises(SynthgenError, match="is no finished synthgen dataset"):
        publish(report.root, str(tmp_path / "other"))
