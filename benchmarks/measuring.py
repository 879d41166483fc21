"""What the benchmarks share: taking turns, medians and their spread, tables, the machine's limits.

Run a benchmark with the repository as the current folder: ``python -m benchmarks NAME``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from synthgen.machine.devices import resolve_precision
from synthgen.machine.hardware import hardware
from synthgen.spec.errors import SynthgenError

FASHION = "zalando-datasets/fashion_mnist"
"""Hub id of Fashion-MNIST (28 px grey, ten classes; MIT): what the published figures are of."""


def ask_for_data(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option ``--data``; ``what`` says which images a page needs."""
    parser.add_argument("--data", default="", help=f"{what}: folder or hub id, e.g. {FASHION}")


def data_of(arguments: argparse.Namespace, what: str) -> str:
    """The data that was asked for.

    Raises:
        SynthgenError: none was given, or a path at which there is nothing.
    """
    wanted = f"{what}, as a folder of class folders or a hub id, e.g. --data {FASHION}"
    if not arguments.data:
        raise SynthgenError(f"--data is missing: {wanted}")
    data = str(arguments.data)
    if data.startswith(("/", ".", "~")) and not Path(data).expanduser().exists():
        raise SynthgenError(f"{data}: there is nothing there; --data takes {wanted}")
    return data


def take_turns(ways: Mapping[str, Callable[[], float]], times: int) -> dict[str, list[float]]:
    """Each way ``times`` times, one after another in every round, so that what changes on the
    machine meanwhile meets all of them. A way gives its figure; the first round warms up."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(times + 1):
        for name, way in ways.items():
            value = way()
            if turn:
                found[name].append(value)
    return found


def seconds(work: Callable[[], Any]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median (least to most)."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(device: torch.device | None = None) -> str:
    """The device and its arithmetic, for the head of a table."""
    device = device or torch.device("cpu")
    return f"{hardware(device)}, {str(resolve_precision('auto', device)).removeprefix('torch.')}"


def write_json(out: str, record: Mapping[str, Any], device: torch.device | None = None) -> None:
    """Keep the figures, with the date and the machine, if a file is named."""
    if out:
        head = {"date": time.strftime("%Y-%m-%d"), "machine": machine(device)}
        Path(out).write_text(json.dumps({**head, **record}, indent=2) + "\n")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def matrix_rate(
    precision: torch.dtype, device: torch.device | None = None, side: int = 1024
) -> float:
    """FLOP/s of a product of two square matrices: the limit that networks are measured by."""
    device = device or torch.device("cpu")
    side = side if device.type == "cpu" else 8192
    left = torch.randn(side, side, device=device).to(precision)
    rates = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(10):
            left @ left
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        rates.append(10 * 2 * side**3 / (time.perf_counter() - start))
    return statistics.median(rates)


def even_ground(folder: Path, size: int) -> None:
    """Before something is written and timed: what was deleted before is settled, and ``size`` bytes
    of memory for files have been touched, which a virtual machine may have to ask its host for.
    Else whoever comes first, or needs more, pays for both."""
    path = folder / "ground"
    block = bytes(1 << 20)
    with path.open("wb") as file:
        for _ in range(-(-size // len(block))):
            file.write(block)
    path.unlink()
    os.sync()


def disk_rate(folder: Path, size: int = 128_000_000) -> float:
    """Bytes/s of writing and flushing one file of the size of a shard."""
    block = os.urandom(1 << 20)
    path = folder / "rate"

    def write() -> None:
        with path.open("wb") as file:
            for _ in range(size // len(block)):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

    try:
        return size / statistics.median(seconds(write) for _ in range(3))
    finally:
        path.unlink(missing_ok=True)
