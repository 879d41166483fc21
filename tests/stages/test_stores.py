"""Datasets made straight on stores: an S3-compatible server on this machine, memory, bad ones."""

import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import datasets
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from synthgen.dataset.layout import Layout
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.stage import evaluate
from synthgen.stages.finished import export as stage
from synthgen.stages.finished.export import export
from synthgen.stages.finished.merge import merge
from synthgen.stages.publish.report import report
from synthgen.stages.sample.filter import filter_dataset
from synthgen.stages.sample.repair import repair
from synthgen.stages.sample.reproduce import reproduce
from synthgen.storage import retry, transfer
from synthgen.storage.place import place
from synthgen.storage.store_path import StoreError
from synthgen.storage.transfer import files_below, put_whole

RUN = {"n": 90, "images_per_shard": 30, "splits": {"train": 0.67, "test": 0.33}}


def contents(root):
    root = place(root)
    return {
        name: hashlib.sha256((root / name).read_bytes()).hexdigest()
        for name in files_below(root)
        if name.endswith(".parquet") or name == "README.md"
    }


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


class Bad(MemoryFileSystem):
    """A store that fails, is slow, or keeps half of what it is sent, as its ``plan`` says."""

    protocol = ("bad",)
    store, pseudo_dirs = {}, [""]
    cachable = False
    plan = staticmethod(lambda call, path: None)

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(str(path).removeprefix("bad:/"))

    def put_file(self, lpath, rpath, **options):
        half = self.plan("put", rpath)
        content = Path(lpath).read_bytes()
        self.pipe_file(rpath, content[: len(content) // 2] if half else content)

    def cat_file(self, path, start=None, end=None, **options):
        half = self.plan("cat", path)
        found = super().cat_file(path, start=start, end=end)
        return found[: len(found) // 2] if half else found

    def info(self, path, **options):
        self.plan("info", path)
        return super().info(path, **options)

    def ls(self, path, detail=True, **options):
        self.plan("ls", path)
        return super().ls(path, detail=detail, **options)


@pytest.fixture(params=["renames", "puts whole"])
def bad(monkeypatch, request):
    import fsspec

    if request.param == "puts whole":
        monkeypatch.setattr(transfer, "OBJECT_STORES", {"bad"})

    fsspec.register_implementation("bad", Bad, clobber=True)
    monkeypatch.setattr(Bad, "store", {})
    monkeypatch.setattr(Bad, "pseudo_dirs", [""])
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.001)
    return "bad://bucket/pets"


def test_a_store_that_is_slow_fails_now_and_then_and_keeps_halves(bad, sampled, whole, monkeypatch):
    rng = random.Random(0)
    seen = {"failed": 0, "half": 0, "slow": 0}

    def plan(call, path):
        dice = rng.random()
        if dice < 0.15:
            seen["failed"] += 1
            raise ConnectionError("reset by peer")
        if dice < 0.25:
            seen["slow"] += 1
            time.sleep(0.02)
        if dice > 0.9 and call in ("put", "cat") and ".parquet" in path:
            seen["half"] += 1
            return True
        return False

    monkeypatch.setattr(Bad, "plan", staticmethod(plan))
    monkeypatch.setattr(retry, "TRIES", 12)
    sampled(**RUN, out=bad)
    assert all(seen.values()), seen
    monkeypatch.setattr(Bad, "plan", staticmethod(lambda call, path: None))
    assert contents(bad) == contents(whole) and verify(bad).problems == []


@pytest.mark.parametrize("after", [3, 12, 30])
def test_a_store_that_goes_down_is_named_and_nothing_is_lost(
    bad, sampled, whole, monkeypatch, after
):
    """It is down from its nth call on, whatever that is: a shard, a receipt, the manifest."""
    calls = []

    def plan(call, path):
        calls.append(call)
        if len(calls) > after:
            raise ConnectionError("https://me:pw@host/?X-Amz-Signature=abc is down")

    monkeypatch.setattr(Bad, "plan", staticmethod(plan))
    with pytest.raises(StoreError, match=r"bad://bucket/pets.*the store fails") as fault:
        sampled(**RUN, out=bad)
    assert "pw" not in str(fault.value) and "abc" not in str(fault.value)
    assert not any(path.endswith("pets/README.md") for path in Bad.store)
    monkeypatch.setattr(Bad, "plan", staticmethod(lambda call, path: None))
    kept = {n: h for n, h in contents(bad).items() if n.startswith("data/")}
    assert kept.items() <= contents(whole).items()
    assert sampled(**RUN, out=bad).made >= 3 - len(kept)
    assert contents(bad) == contents(whole) and verify(bad).problems == []


def test_a_store_that_lies_about_a_shard_is_found_at_the_next_run(bad, sampled, whole, monkeypatch):
    sampled(**RUN, out=bad)
    shard = place(bad) / "data" / "test-00000.parquet"
    Layout(place(bad)).card.unlink()
    content = shard.read_bytes()
    shard.store.pipe_file(shard.path, content[:-1] + b"?")
    assert sampled(**RUN, out=bad).made == 1
    assert contents(bad) == contents(whole)


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
