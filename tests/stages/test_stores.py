"""Datasets made straight on stores: an S3-compatible server on this machine, memory, bad ones."""

import json
import signal
import subprocess
import sys
import time

import datasets
import numpy as np
import pytest
from stores import RUN, contents

from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.stage import evaluate
from synthgen.stages.finished import growing as stage
from synthgen.stages.finished.export import export
from synthgen.stages.finished.merge import merge
from synthgen.stages.publish.report import report
from synthgen.stages.sample.filter import filter_dataset
from synthgen.stages.sample.repair import repair
from synthgen.stages.sample.reproduce import reproduce
from synthgen.storage.place import place
from synthgen.storage.transfer import files_below, put_whole


@pytest.fixture
def whole(sampled, tmp_path):
    """The same run on a disk, undisturbed."""
    return sampled(**RUN, out=str(tmp_path / "whole")).root


def rows(where, split, **storage):
    files = {split: f"{where}/data/{split}-*.parquet"}
    loaded = datasets.load_dataset("parquet", data_files=files, split=split, **storage)
    return loaded.features, list(loaded.cast_column("image", datasets.Image(decode=False)))


def test_a_dataset_on_s3_is_that_of_a_disk(s3, sampled, whole, tmp_path, capsys):
    out = "s3://datasets/pets"
    assert str(sampled(**RUN, out=out).root) == out
    assert contents(out) == contents(whole)
    assert verify(out).problems == []
    left = files_below(place(out) / ".synthgen")
    assert "lock" not in left and not [name for name in left if "staging" in name]
    # The real library reads it there: same pixels, labels, order and names of classes.
    for split in ("train", "test"):
        files = {split: f"{whole}/data/{split}-*.parquet"}
        here = datasets.load_dataset("parquet", data_files=files, split=split)
        there = rows(out, split)
        assert there[0] == here.features and there[0]["label"].names == ["nought", "one", "two"]
        assert there[1] == list(here.cast_column("image", datasets.Image(decode=False)))
    with pytest.raises(SynthgenError, match="holds a run with seed=0, not 1"):
        sampled(**RUN, out=out, seed=1)
    assert sampled("resume", **RUN, out=out).made == 0


@pytest.mark.parametrize("where", ["s3://datasets/growing", "a disk"])
def test_growing_leaves_the_first_rows(s3, sampled, tmp_path, where):
    """1,000 → 3,000."""
    out = where if "://" in where else str(tmp_path / "growing")
    few = {"images_per_shard": 250, "out": out}
    sampled(n=1000, **few)
    first = contents(f"{out}/data")
    before = [row["image"]["bytes"] for row in rows(out, "train")[1]]
    report = sampled("extend", n=3000, **few)
    assert first.items() <= contents(f"{out}/data").items()
    grown = rows(out, "train")[1]
    assert [row["image"]["bytes"] for row in grown[:1000]] == before
    assert np.bincount([row["label"] for row in grown]).tolist() == [1000, 1000, 1000]
    assert report.plan.rows == len(grown) == 3000
    assert verify(out).problems == []


def test_every_stage_reads_and_writes_s3(s3, sampled, run_folder, digit_folder, tmp_path):
    out, bundle = "s3://datasets/all", str(run_folder)
    sampled(**RUN, out=out)
    sampled(**RUN, out="s3://datasets/other", seed=1)
    shard = place(out) / "data" / "train-00001.parquet"
    good = shard.read_bytes()
    shard.store.pipe_file(shard.path, good[:-100] + bytes(100))
    assert any("train-00001" in str(problem) for problem in verify(out).problems)
    assert repair(out, generator=bundle, device="cpu").made == 1
    assert shard.read_bytes() == good and verify(out).problems == []
    assert reproduce(out, 40, generator=bundle, device="cpu").same
    strict = filter_dataset(FilterSettings.parse({
        "dataset": out, "out": "s3://datasets/strict", "generator": bundle, "filters": "none",
        "set": {"label_agreement.min": 0.3},
    }))  # fmt: skip
    assert verify("s3://datasets/strict").problems == [] and 0 < strict.kept <= 90
    both = merge([out, "s3://datasets/other"], "s3://datasets/both")
    assert both.rows == 180 and verify("s3://datasets/both").problems == []
    assert export(out, tmp_path / "folders", "imagefolder") == 90
    assert export(out, "s3://datasets/folders", "imagefolder") == 90
    assert below("s3://datasets/folders") == below(tmp_path / "folders")
    found = evaluate(EvaluateSettings.parse({
        "dataset": out, "real": str(digit_folder), "generator": bundle, "device": "cpu",
    }))  # fmt: skip
    assert found.images == 90
    assert "image/png;base64" in report(out).read_text()


PROGRAM = """
import json, sys
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.stage import sample
sample(SampleSettings.parse(json.loads(sys.argv[1])))
"""


def below(folder):
    where = place(str(folder))
    return {name: (where / name).read_bytes() for name in files_below(where)}


@pytest.mark.parametrize("form", ["imagefolder", "webdataset"])
def test_an_export_to_s3_that_was_stopped_goes_on(form, s3, sampled, tmp_path, monkeypatch):
    root = sampled(n=40, images_per_shard=10).root
    export(root, tmp_path / "here", form)
    url, real = f"s3://datasets/stopped-{form}", stage.put_whole
    sent = []

    def stopping(source, target):
        if len(sent) == 3:
            raise KeyboardInterrupt
        real(source, target)
        sent.append(str(target))

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stage, "put_whole", stopping)
        patch.setattr(stage, "AT_ONCE", 1)
        export(root, url, form)
    assert sent[0].endswith("/.synthgen") and set(below(url)) == {s[len(url) + 1 :] for s in sent}
    with pytest.raises(SynthgenError, match="is not empty"):
        export(root, url, "webdataset" if form == "imagefolder" else "imagefolder")
    with monkeypatch.context() as patch:
        patch.setattr(stage, "put_whole", lambda *given: (sent.append(str(given[1])), real(*given)))
        export(root, url, form)
    assert below(url) == below(tmp_path / "here")
    arrived = [name for name in sent if not name.endswith("/.synthgen")]
    assert len(arrived) == len(set(arrived))  # nothing was sent twice
    with pytest.raises(SynthgenError, match="is not empty"):
        export(root, url, form)


def test_killed_while_it_writes_to_s3_it_goes_on_to_the_same_bytes(s3, sampled, run_folder):
    out = "s3://datasets/killed"
    run = {"n": 900, "images_per_shard": 75}
    whole = contents(sampled(**run).root)
    values = {**run, "generator": str(run_folder), "out": out, "filters": "none", "device": "cpu",
              "precision": "fp32", "batch_size": 64}  # fmt: skip
    with subprocess.Popen([sys.executable, "-c", PROGRAM, json.dumps(values)]) as process:
        receipts = place(out) / ".synthgen" / "receipts"
        while process.poll() is None and len(files_below(receipts)) < 2:
            time.sleep(0.05)
        process.kill()
    assert process.returncode == -signal.SIGKILL and not (place(out) / "README.md").exists()
    lock = json.loads((place(out) / ".synthgen" / "lock").read_bytes())
    assert lock["process"] == process.pid  # it had no time to give it back
    report = sampled(**run, out=out)
    assert 1 <= report.made <= 11
    assert contents(out) == whole and verify(out).problems == []


def test_no_credentials_are_written_down_or_shown(s3, sampled, tmp_path, capsys):
    out = "s3://a-key:a-sec/ret@datasets/hidden"
    monkeypatched = sampled(n=30, out=out)
    text = monkeypatched.text() + str(monkeypatched.root)
    written = b"".join(
        (monkeypatched.root / name).read_bytes() for name in files_below(monkeypatched.root)
    )
    output = "".join(capsys.readouterr())
    for secret in ("a-key", "a-sec", "ret@"):
        assert secret not in text and secret not in output and secret.encode() not in written
    assert json.loads((monkeypatched.root / ".synthgen" / "settings.json").read_bytes())
    with pytest.raises(SynthgenError) as fault:
        sampled(n=30, out=out, seed=3)
    assert "a-key" not in str(fault.value) and "a-sec" not in str(fault.value)


def test_memory_is_of_one_process(sampled):
    with pytest.raises(SynthgenError, match="workers must be 1"):
        sampled(**RUN, out="memory://a/b", workers=2)


def test_a_file_appears_on_s3_in_one_put(s3, tmp_path):
    (tmp_path / "x").write_bytes(b"1" * 1000)
    put_whole(tmp_path / "x", place("s3://datasets/one/x"))
    assert files_below(place("s3://datasets/one")) == ["x"]
