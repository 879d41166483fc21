import subprocess
import sys
import time

import pytest

from synthgen.machine.device_lock import device_lock, lock_name
from synthgen.spec.errors import SynthgenError

PROGRAM = """
import sys, time
from synthgen.machine.device_lock import device_lock
with device_lock("cpu") as name:
    start = time.time()
    time.sleep(0.7)
    print(name, start, time.time())
"""


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTHGEN_LOCKS", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_a_device_is_named_by_its_real_number(monkeypatch):
    assert lock_name("cpu") is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert lock_name("auto") == lock_name("cpu") == "cuda-3"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-8a3f")
    assert lock_name("auto") == "cuda-GPU-8a3f"


def spans(monkeypatch, devices):
    started = []
    for device in devices:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", device)
        started.append(
            subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
        )
    lines = [process.communicate(timeout=60)[0].split() for process in started]
    return sorted((float(start), float(end), name) for name, start, end in lines)


def test_two_processes_never_hold_one_device_together(monkeypatch):
    first, second = spans(monkeypatch, ["1", "1"])
    assert first[2] == second[2] == "cuda-1" and first[1] <= second[0]


def test_a_lock_is_freed_by_the_death_of_its_owner_and_a_long_wait_ends(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    program = PROGRAM.replace("0.7", "60").replace(
        "start = ", "print('held', flush=True); start = "
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert owner.stdout.readline().strip() == "held"
    with (
        pytest.raises(SynthgenError, match=f"in use by process {owner.pid}"),
        device_lock("cpu", wait_seconds=0.6),
    ):
        pass
    owner.kill()
    owner.communicate()
    start = time.monotonic()
    with device_lock("cpu", wait_seconds=30) as name:
        assert name == "cuda-1" and time.monotonic() - start < 5
