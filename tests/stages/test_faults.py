"""Faults put in on purpose: each is detected and named, nothing is lost, and a resume finishes."""

import errno
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from synthgen.dataset import writer
from synthgen.dataset.layout import Layout
from synthgen.dataset.verify import verify
from synthgen.generators.generator import Generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.evaluate.stage import evaluate
from synthgen.stages.publish.report import report
from synthgen.stages.sample.repair import repair
from synthgen.stages.sample.reproduce import reproduce
from synthgen.stages.sample.shard_maker import ShardMaker
from synthgen.stages.sample.stage import sample
from synthgen.stages.sample.this_process import make_here
from synthgen.stages.sample.tools import Tools

RUN = {"n": 90, "images_per_shard": 30}


def contents(root):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (root / "data").iterdir()}


@pytest.fixture
def whole(sampled, tmp_path):
    """The shards of a run that nothing befell."""
    return contents(sampled(**RUN, out=str(tmp_path / "whole")).root)


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "permission"), (errno.EIO, "cannot be")],
)
def test_a_disk_that_fails_in_the_second_shard(sampled, whole, tmp_path, monkeypatch, number, said):
    real, calls = pq.ParquetWriter.write_table, []

    def failing(self, table, *arguments, **options):
        calls.append(self.where)
        if len(calls) == 2:
            Path(self.where).write_bytes(b"half a shard")
            raise OSError(number, os.strerror(number))
        return real(self, table, *arguments, **options)

    monkeypatch.setattr(writer.pq.ParquetWriter, "write_table", failing)
    out = tmp_path / "out"
    with pytest.raises(SynthgenError, match=said):
        sampled(**RUN)
    first = contents(out)
    assert first.items() <= whole.items() and len(first) == 1
    assert not list(Layout(out).staging.iterdir()) and not (out / "README.md").exists()
    monkeypatch.undo()
    before = (out / "data" / next(iter(first))).stat().st_mtime_ns
    assert contents(sampled("resume", **RUN).root) == whole
    assert (out / "data" / next(iter(first))).stat().st_mtime_ns == before
    assert verify(out).problems == []


def test_a_worker_that_hands_in_a_truncated_shard(run_folder, whole, tmp_path):
    values = {"generator": str(run_folder), "out": str(tmp_path / "out"), "filters": "none",
              "device": "cpu", "precision": "fp32", "batch_size": 64, **RUN}  # fmt: skip
    settings = SampleSettings.parse(values)

    def careless(layout, job, shards, progress):
        maker = ShardMaker(layout, job, Tools.of(job), progress)
        for receipt in make_here(maker, shards):
            if receipt.shard.startswith("train-00001"):
                path = layout.data / receipt.shard
                path.write_bytes(path.read_bytes()[:-100])
            yield receipt

    with pytest.raises(SynthgenError, match="missing or damaged after all were made"):
        sample(settings, make=careless)
    assert not (tmp_path / "out" / "README.md").exists()
    assert contents(sample(settings).root) == whole


def test_a_flipped_bit_is_named_and_only_its_shard_is_made_again(sampled, run_folder, whole):
    root = sampled(**RUN).root
    shard = root / "data" / "train-00001.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 4
    shard.write_bytes(content)
    others = {p.name: p.stat().st_mtime_ns for p in (root / "data").iterdir() if p != shard}
    problems = verify(root).problems
    assert problems and problems[0].shard == "train-00001.parquet"
    assert repair(root, generator=str(run_folder), device="cpu").made == 1
    assert contents(root) == whole and verify(root).problems == []
    for name, changed in others.items():
        assert (root / "data" / name).stat().st_mtime_ns == changed


def test_a_generator_that_gives_nan_for_one_class(sampled, whole, monkeypatch, tmp_path):
    real = Generator.candidates

    def broken(self, labels, shards, candidates, **options):
        drawn = real(self, labels, shards, candidates, **options)
        drawn["image"][torch.from_numpy(np.asarray(labels) == 1)] = torch.nan
        return drawn

    monkeypatch.setattr(Generator, "candidates", broken)
    with pytest.raises(SynthgenError, match=r"class 'one' keeps 0 of .*validity"):
        sampled(**RUN)
    monkeypatch.undo()
    assert contents(sampled(**RUN).root) == whole


def test_a_receipt_of_another_run_does_not_count(sampled, whole, tmp_path):
    other = sampled(**RUN, seed=5, out=str(tmp_path / "other")).root
    root = sampled(**RUN).root
    name = "train-00002.parquet"
    for part in (f"data/{name}", f".synthgen/receipts/{name}.json"):
        (root / part).write_bytes((other / part).read_bytes())
    assert any(name in str(problem) for problem in verify(root).problems)
    assert sampled(**RUN).made == 1
    assert contents(root) == whole and verify(root).problems == []


@pytest.mark.parametrize("jump", [-10 * 365 * 86_400, 10 * 365 * 86_400])
def test_a_clock_that_jumps(sampled, whole, monkeypatch, jump):
    real, calls = time.time, []

    def jumping():
        calls.append(1)
        return real() + jump * (len(calls) % 2)

    monkeypatch.setattr(time, "time", jumping)
    report = sampled(**RUN)
    monkeypatch.undo()
    assert contents(report.root) == whole and verify(report.root).problems == []
    assert all(v >= 0 for r in report.receipts for v in r.seconds.values())


HOLDER = """
import json, sys, time
from pathlib import Path
from synthgen.dataset.layout import Layout
from synthgen.dataset.run_folder import open_run
from synthgen.spec.plan import Plan

layout = Layout(Path(sys.argv[1]))
settings, plan = (json.loads(p.read_text()) for p in (layout.settings, layout.plan))
with open_run(layout.root, settings, Plan.from_json(plan), "resume"):
    print("held", flush=True)
    time.sleep(120)
"""


def test_two_coordinators_at_once(sampled, whole):
    root = sampled(**RUN).root
    (root / "README.md").unlink()
    (root / "data" / "train-00000.parquet").unlink()
    command = [sys.executable, "-c", HOLDER, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        try:
            assert first.stdout.readline() == "held\n"
            with pytest.raises(SynthgenError, match=f"in use by process {first.pid}"):
                sampled(**RUN)
        finally:
            first.kill()
    # A dead owner's lock is free at once.
    assert sampled(**RUN).made == 1
    assert contents(root) == whole and verify(root).problems == []


@pytest.mark.parametrize("where", ["page", "image"])
@pytest.mark.parametrize("reader", ["report", "evaluate", "reproduce"])
def test_damage_inside_a_shard_is_named_by_whoever_reads_it(
    sampled, run_folder, digit_folder, where, reader
):
    root = sampled(n=30).root
    shard = root / "data" / "train-00000.parquet"
    content = bytearray(shard.read_bytes())
    column = pq.ParquetFile(shard).metadata.row_group(0).column(0)
    at = column.data_page_offset if where == "page" else content.find(b"IDAT") + 10
    content[at : at + 20] = b"\xff" * 20
    shard.write_bytes(content)
    read = {
        "report": lambda: report(str(root)),
        "evaluate": lambda: evaluate(
            EvaluateSettings.parse({
                "dataset": str(root), "real": str(digit_folder), "generator": str(run_folder),
                "device": "cpu", "extractor": "classifier",
            })
        ),
        "reproduce": lambda: reproduce(root, 0, generator=str(run_folder), device="cpu"),
    }  # fmt: skip
    with pytest.raises(SynthgenError, match=r"train-00000.parquet: .*damaged \(.*see synthgen"):
        read[reader]()
