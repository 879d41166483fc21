"""Training alone and beside a busy process: with all threads, and with as many as are fastest.

    python -m benchmarks busy --only dcgan,r3gan --out busy.json

Needs no data: the images are random. The busy process multiplies matrices with as many threads as
there are cores. "All threads" is what torch does by itself; "chosen" is what ``synthgen train``
does: it measures a convolution with 1, 2, 4 ... threads at the start and at every tick
(``synthgen/machine/threads.py``). The ways take turns; the choice is made anew in every turn.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch

from benchmarks.measuring import cores, machine, spread, table, write_json
from benchmarks.training import SIZES, Timed
from synthgen.machine.freed_memory import keep_freed_memory
from synthgen.machine.threads import chosen_threads
from synthgen.spec.image import ImageSpec

BUSY = """
import sys, torch
torch.set_num_threads(int(sys.argv[1]))
left = torch.randn(1024, 1024)
print("busy", flush=True)
while True:
    left @ left
"""


@contextmanager
def busy_process() -> Iterator[None]:
    """Another process keeps all cores busy inside of the block."""
    command = [sys.executable, "-c", BUSY, str(cores())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


def rate(timed: Timed, seconds: float) -> float:
    """Images per second of whole steps over about so many seconds."""
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        timed.training.step()
        steps += 1
    return steps * timed.batch / (time.perf_counter() - start)


def measured(
    timed: Timed, fixed: int | None, image: ImageSpec, seconds: float
) -> tuple[int, float]:
    """Threads that were used, ``fixed`` or chosen, and the :func:`rate` with them."""
    with chosen_threads(fixed, timed.device, image):
        return torch.get_num_threads(), rate(timed, seconds)


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="grey-28", choices=sorted(SIZES))
    parser.add_argument("--only", default="dcgan,r3gan", help="Comma-separated algorithms.")
    parser.add_argument("--seconds", type=float, default=5.0, help="Of each measurement.")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    keep_freed_memory()
    device, spec = torch.device("cpu"), SIZES[arguments.size]
    shape = (2_000, spec.height, spec.width, spec.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    rows, found = [], {}
    for name in arguments.only.split(","):
        timed = Timed(name, arguments.size, images, device)
        timed.training.step()
        ways = {"all": cores(), "chosen": None}
        rates: dict[str, list[float]] = {}
        counts: dict[str, list[int]] = {}
        for _ in range(arguments.times):
            for beside in ("alone", "busy"):
                for way, fixed in ways.items():
                    with busy_process() if beside == "busy" else nullcontext():
                        threads, value = measured(timed, fixed, spec, arguments.seconds)
                    rates.setdefault(f"{beside}, {way}", []).append(value)
                    counts.setdefault(f"{beside}, {way}", []).append(threads)
        first = statistics.median(rates["alone, all"])
        for what, values in rates.items():
            share = statistics.median(values) / first
            used = ", ".join(str(count) for count in sorted(set(counts[what])))
            rows.append([name, what, used, spread(values), f"{share:.2f}"])
        found[name] = {"images_per_second": rates, "threads": counts}
    print(f"\n{arguments.size}, {machine(device)}, {arguments.times} times\n")
    print(table(["algorithm", "what", "threads", "images per second", "of alone"], rows))
    write_json(arguments.out, {"size": arguments.size, "algorithms": found}, device)


if __name__ == "__main__":
    main()
