"""How many CPU threads compute: no more than asked for, and no more than are of use.

The threads of one operation wait for each other at its end. Beside a process that keeps all cores
busy, one of them always waits for a core: two threads then took ten times as long as one.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn.functional import conv2d

from synthgen.spec.image import ImageSpec

ROUNDS = 5
"""Times that each count is measured, in turns with the others; the median counts."""
GAIN = 0.9
"""Share of the time of the present count that another one must take at most to replace it."""
PROBE_CHANNELS, PROBE_VALUES = 32, 2**18
"""Channels of the probe, and values of its input: some milliseconds of work on a core."""

Look = Callable[[], int]


def usable_cores(device: torch.device | None = None) -> int:
    """Cores that this process may compute on, at least 1: those of its affinity.

    Where the CPU computes, no more than ``OMP_NUM_THREADS`` says, if it is set: several workers
    that share a machine are told so.
    """
    cores = len(os.sched_getaffinity(0))
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if told.isdigit() and int(told) > 0 and (device is None or device.type == "cpu"):
        cores = min(cores, int(told))
    return max(1, cores)


def counts(most: int) -> list[int]:
    """Thread counts worth a try, ascending: the powers of two up to ``most``, and ``most``."""
    return sorted({most, *(2**power for power in range(most.bit_length()) if 2**power <= most)})


def fastest(seconds: Callable[[int], float], present: int, most: int) -> int:
    """The count up to ``most`` with the least median of ``seconds(count)``.

    ``present`` stays unless another takes less than :data:`GAIN` of its time. The counts take
    turns, so that what else the machine does meets all of them.
    """
    candidates = counts(most)
    if len(candidates) == 1:
        return candidates[0]
    taken: dict[int, list[float]] = {count: [] for count in candidates}
    for _ in range(ROUNDS):
        for count in candidates:
            taken[count].append(seconds(count))
    middle = {count: statistics.median(values) for count, values in taken.items()}
    best = min(candidates, key=lambda count: middle[count])
    if present in middle and middle[best] > GAIN * middle[present]:
        return present
    return best


def convolution(image: ImageSpec) -> Callable[[int], float]:
    """Gives the seconds of a convolution, forth and back, on feature maps of this image's size with
    so many threads; the number of threads stays set."""
    side = max(4, min(image.height, image.width) // 2)
    batch = max(4, PROBE_VALUES // (PROBE_CHANNELS * side * side))
    features = torch.rand(batch, PROBE_CHANNELS, side, side)
    features = features.contiguous(memory_format=torch.channels_last)
    kernel = torch.rand(PROBE_CHANNELS, PROBE_CHANNELS, 3, 3, requires_grad=True)

    def seconds(count: int) -> float:
        torch.set_num_threads(count)
        start = time.perf_counter()
        conv2d(features, kernel, padding=1).square().mean().backward()  # type: ignore[no-untyped-call]
        return time.perf_counter() - start

    return seconds


@contextmanager
def chosen_threads(fixed: int | None, device: torch.device, image: ImageSpec) -> Iterator[Look]:
    """Computes with ``fixed`` CPU threads inside of the block, by default with as many as are
    fastest; the number from before is back afterwards.

    Gives a function that measures again, changes the number, and returns it. Where a GPU computes,
    nothing is measured. What is measured draws no random numbers of torch's global generator.
    """
    before = torch.get_num_threads()
    most = min(before, usable_cores(device))

    def look() -> int:
        if fixed is not None:
            chosen = fixed
        elif device.type != "cpu":
            chosen = before
        elif most == 1:
            chosen = 1
        else:
            with torch.random.fork_rng(devices=[]):
                chosen = fastest(convolution(image), present[0], most)
        present[0] = chosen
        torch.set_num_threads(chosen)
        return chosen

    present = [0]
    try:
        look()
        yield look
    finally:
        torch.set_num_threads(before)
