"""One job per device and host, whoever started it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthgen.machine.devices import resolve_device
from synthgen.machine.file_lock import FileLock, file_lock
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError

POLL_SECONDS = 0.5


def lock_name(device: str) -> str | None:
    """The name that all jobs on one physical device share; ``None`` for the CPU, which many share.

    A worker that was started for one device sees it as ``cuda:0`` whatever its real number is, so
    the number comes from ``CUDA_VISIBLE_DEVICES`` where that is set.
    """
    visible = [
        v.strip() for v in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if v.strip()
    ]
    if device == "cpu" and not visible:
        return None
    index = 0
    if device not in ("auto", "cpu"):
        index = resolve_device(device).index or 0
    elif not visible and resolve_device(device).type == "cpu":
        return None
    if not visible:
        return f"cuda-{index}"
    return f"cuda-{visible[index] if index < len(visible) else index}"


@contextmanager
def device_lock(device: str, wait_seconds: float = 3600.0) -> Iterator[str | None]:
    """Hold the device's lock on this host; gives its name. The kernel frees it when its owner dies.

    Raises:
        SynthgenError: another job has held it for ``wait_seconds``.
    """
    name = lock_name(device)
    if name is None:
        yield None
        return
    folder = Path(os.environ.get("SYNTHGEN_LOCKS", Path(tempfile.gettempdir()) / "synthgen-locks"))
    folder.mkdir(parents=True, exist_ok=True)
    safe = "".join(c if c.isalnum() or c == "-" else "_" for c in name)
    with file_lock(folder / safe) as lock:
        _wait_for(lock, name, wait_seconds)
        yield name


def _wait_for(lock: FileLock, name: str, wait_seconds: float) -> None:
    deadline, told = time.monotonic() + wait_seconds, False
    while not lock.take(str(os.getpid())):
        owner = lock.owner()
        if time.monotonic() > deadline:
            raise SynthgenError(
                f"device {name}: in use by process {owner} for {wait_seconds:.0f} s; start one "
                "worker per device"
            )
        if not told:
            say(f"device {name} is in use by process {owner}; waiting for it")
            told = True
        time.sleep(POLL_SECONDS)
