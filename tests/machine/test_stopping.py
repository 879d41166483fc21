"""Signals, and repairing what was damaged."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from commands import until

from synthgen.dataset.receipts import file_sha256
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.stages.sample.repair import repair


def command(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "synthgen", *arguments], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # A shell that runs things in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


LINE = "stopped; run the same command again to go on"


def log(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if k != "images_per_second"} for line in lines
    ]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_training_stops_at_a_step_and_loses_nothing(
    number, commands, digit_folder, small_training, run_folder, tmp_path
):
    options = ",".join(f"{k}={v}" for k, v in small_training["options"].items())
    arguments = ["train", "--data", str(digit_folder), "--options", options,
                 "--out", str(tmp_path / "run")]  # fmt: skip
    for key, value in small_training.items():
        if key != "options":
            arguments += [f"--{key.replace('_', '-')}", str(value)]
    training = commands.start(*arguments)
    until(lambda: len(list((tmp_path / "run" / "samples").glob("*.png"))) == 2)
    begin = time.monotonic()
    training.send(number)
    assert training.wait(30) == 130 and time.monotonic() - begin < 10
    assert training.said.strip().endswith(LINE) and "Traceback" not in training.said
    checkpoints = sorted(int(p.name) for p in (tmp_path / "run" / "checkpoints").iterdir())
    assert 4800 <= checkpoints[-1] < 9600
    commands.run(*arguments)
    assert log(tmp_path / "run") == log(run_folder)


@pytest.mark.slow
def test_sampling_stops_at_once_and_goes_on(commands, run_folder, tmp_path):
    arguments = ["sample", "--generator", str(run_folder), "--n", "20000", "--filters", "none",
                 "--images-per-shard", "500", "--out", str(tmp_path / "out")]  # fmt: skip
    process = command(*arguments)  # no fork of a test's process, for once
    until(lambda: len(list((tmp_path / "out" / "data").glob("*.parquet"))) >= 3)
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and time.monotonic() - begin < 10
    assert said.strip().endswith(LINE) and "Traceback" not in said
    assert not (tmp_path / "out" / "README.md").exists()
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out" / "data").iterdir()}
    commands.run(*arguments)
    assert verify(tmp_path / "out").problems == []
    assert all(
        (tmp_path / "out" / "data" / name).stat().st_mtime_ns == made
        for name, made in before.items()
    )


def hashes(root):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (root / "data").iterdir()}


def test_repair_makes_exactly_the_bad_shards_again(sampled, run_folder, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("label_agreement: {min: 0.2}\n")
    root = sampled(n=120, images_per_shard=30, filters=str(rules)).root
    rules.unlink()  # the limits are on record
    whole = hashes(root)
    shards = sorted((root / "data").iterdir())
    content = bytearray(shards[1].read_bytes())
    content[len(content) // 2] ^= 1
    shards[1].write_bytes(bytes(content))
    shards[3].unlink()
    untouched = {p: p.stat().st_mtime_ns for p in (shards[0], shards[2])}
    assert len(verify(root).problems) >= 2
    report = repair(root, generator=str(run_folder), device="cpu")
    assert report.made == 2 and hashes(root) == whole and verify(root).problems == []
    assert {p: p.stat().st_mtime_ns for p in untouched} == untouched
    assert repair(root, generator=str(run_folder), device="cpu").made == 0


def test_what_cannot_be_repaired_is_told(sampled, tmp_path):
    with pytest.raises(SynthgenError, match="holds no run to repair"):
        repair(tmp_path)
    root = sampled(n=30).root
    with pytest.raises(SynthgenError, match="generator"):
        repair(root, generator="fashion-mnist-28", device="cpu")
    with pytest.raises(SynthgenError, match="say with --generator where its bundle is"):
        repair(root, device="cpu")
    for damaged in ("{}", "[]", "{"):
        (root / ".synthgen" / "settings.json").write_text(damaged)
        with pytest.raises(SynthgenError, match=r"settings.json: (is damaged|cannot be read)"):
            repair(root, generator="fashion-mnist-28", device="cpu")


def test_repair_mends_whatever_verify_finds(sampled, run_folder, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("label_agreement: {min: 0.5}\n")
    root = sampled(n=120, images_per_shard=30, filters=str(rules), keep_rejects=True).root
    whole = everything(root)
    names = sorted(path.name for path in (root / "data").iterdir())

    def vouched_for(path):
        """A shard with a wrong label, and a receipt of its very bytes."""
        table = pq.read_table(path)
        labels = table.column("label").to_numpy().copy()
        labels[0] = (labels[0] + 1) % 3
        place = table.column_names.index("label")
        pq.write_table(table.set_column(place, table.schema.field(place), [labels]), path)
        receipt = root / ".synthgen" / "receipts" / f"{path.name}.json"
        record = json.loads(receipt.read_text())
        record["bytes"], record["sha256"] = path.stat().st_size, file_sha256(path)
        receipt.write_text(json.dumps(record))

    for harm, made in [
        (lambda: vouched_for(root / "data" / names[0]), 1),
        (lambda: (root / "rejects" / names[1]).write_bytes(b"x"), 1),
        (lambda: (root / ".synthgen" / "receipts" / f"{names[2]}.json").write_text("{"), 1),
        (lambda: (root / "manifest.json").write_text("{}"), 0),
        (lambda: (root / "manifest.json").unlink(), 0),
        (lambda: (root / "README.md").write_text("# of somebody"), 0),
        (lambda: (root / "data" / names[3]).write_bytes(b""), 1),
    ]:
        harm()
        assert verify(root).problems
        report = repair(root, generator=str(run_folder), device="cpu")
        assert report.made == made and everything(root) == whole
        assert verify(root).problems == []


def everything(root):
    names = [p for p in root.rglob("*") if p.is_file() and ".synthgen" not in p.parts]
    return {
        p.relative_to(root).as_posix(): p.read_bytes() for p in names if p.name != "manifest.json"
    }
