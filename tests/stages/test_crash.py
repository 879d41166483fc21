"""The process is killed (-9) at random moments and gone on with: the same dataset every time.

In full: ``SYNTHGEN_KILLS=50 python -m pytest tests/stages/test_crash.py``.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synthgen.stages.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("SYNTHGEN_KILLS", "4"))
POINTS = ["staged", "published", "receipted", "manifest", "card"]

PROGRAM = """
import os, signal, sys
from synthgen.dataset import commit, writer
from synthgen.spec.sample_settings import SampleSettings
from synthgen.stages import finish_dataset, sample

def die(*names):
    if os.environ.get("DIE_AT") in names and not os.path.exists(os.environ["DIED"]):
        open(os.environ["DIED"], "w").close()
        os.kill(os.getpid(), signal.SIGKILL)

real_publish = commit.publish
def publish(staged, final):
    name = {{"manifest.json": "manifest", "README.md": "card"}}.get(final.name)
    if final.suffix == ".parquet":
        die("staged")
    if final.parent.name == "receipts":
        die("published")  # the shard is there, its receipt is not
    die(name)
    real_publish(staged, final)
    if final.parent.name == "receipts":
        die("receipted")
for module in (commit, writer, finish_dataset):
    module.publish = publish
settings = SampleSettings.parse({settings!r})
print(sample.sample(settings).text())
"""


def start(settings, folder, die_at=""):
    program = folder / "program.py"
    program.write_text(PROGRAM.format(settings=settings))
    environment = {**os.environ, "DIE_AT": die_at, "DIED": str(folder / "died"),
                   "OMP_NUM_THREADS": "1"}  # fmt: skip
    return subprocess.Popen(
        [sys.executable, str(program)], env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def contents(out):
    """Hash of every file that a user sees, and of the receipts but for their times."""
    seen = [p for p in sorted(Path(out).rglob("*.parquet"))]
    seen += [Path(out) / "README.md"]
    assert not list(Path(out, "data").glob("*.tmp*"))
    return {p.relative_to(out): hashlib.sha256(p.read_bytes()).hexdigest() for p in seen}


@pytest.fixture(scope="module")
def settings(run_folder):
    return {
        "generator": str(run_folder), "n": 600, "images_per_shard": 50, "filters": "none",
        "device": "cpu", "precision": "fp32", "batch_size": 32,
        "splits": {"train": 0.8, "test": 0.2},
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole(settings, tmp_path_factory):
    """An uninterrupted run: its contents and its seconds."""
    folder = tmp_path_factory.mktemp("whole")
    begin = time.monotonic()
    assert start({**settings, "out": str(folder / "out")}, folder).wait(120) == 0
    return contents(folder / "out"), time.monotonic() - begin


def survives(settings, whole, folder, die_at="", wait=None):
    out = folder / "out"
    process = start({**settings, "out": str(out)}, folder, die_at)
    if wait is not None:
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
    killed = process.wait(120) == -signal.SIGKILL
    # A card says complete: it may be there only if all is.
    assert not (out / "README.md").exists() or verify(out).problems == []
    assert start({**settings, "out": str(out)}, folder).wait(120) == 0
    assert contents(out) == whole[0]
    assert verify(out).problems == []
    assert list((out / ".synthgen" / "staging").iterdir()) == []
    return killed


@pytest.mark.parametrize("point", POINTS)
def test_killed_inside_the_commit(settings, whole, tmp_path, point):
    assert survives(settings, whole, tmp_path, die_at=point), "the fault point was never reached"


def test_killed_at_random_moments(settings, whole, tmp_path):
    rng, killed = random.Random(0), 0
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        killed += survives(settings, whole, folder, wait=rng.uniform(0.3, 1.0) * whole[1])
    assert killed >= KILLS // 2
