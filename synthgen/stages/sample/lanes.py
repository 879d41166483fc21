"""Threads that each take a batch all the way from its numbers to its files.

On a CPU every thread computes on its own core: no operation waits for the threads of another, a
batch stays in its core's cache, and images do not depend on the number of cores. On a CUDA device
the threads take turns at the device, and while one batch is there the others are hashed, judged and
encoded.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import torch

from synthgen.sampling.sampler import AHEAD

ON_DEVICE = 2
"""Batches on a CUDA device at a time: one computes while the other is copied to the host."""

SWITCH_SECONDS = 2e-4

Submit = Callable[..., Callable[[], Any]]
"""Begins a call; the function it gives waits for its value."""


def lane_count(threads: int | None = None) -> int:
    """Lanes that work at a time: ``threads``, by default one for each core this process has."""
    return max(1, min(AHEAD, threads or len(os.sched_getaffinity(0))))


class Lanes:
    """``count`` threads, the same from shard to shard: what a thread keeps for itself is some
    megabytes, and new threads would ask for new ones."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(
            count, "lane", initializer=torch.set_num_threads, initargs=(1,)
        )

    @contextmanager
    def begin(self) -> Iterator[Submit]:
        """Gives what has the lanes work; what has not begun is dropped when the block is left."""
        before = torch.get_num_threads()
        switching = sys.getswitchinterval()
        # Lanes hold the interpreter for microseconds at a time: none shall wait long for another.
        sys.setswitchinterval(SWITCH_SECONDS)
        # Whoever looks at the lanes' batches compares codes meanwhile: helpers of its own would
        # take the cores from the lanes, and wait for work there.
        torch.set_num_threads(1)
        open_ones: set[Future[Any]] = set()

        def submit(work: Callable[..., Any], *inputs: Any) -> Callable[[], Any]:
            future = self._pool.submit(work, *inputs)
            open_ones.add(future)
            future.add_done_callback(open_ones.discard)
            return future.result

        try:
            yield submit
        finally:
            left = [future for future in tuple(open_ones) if not future.cancel()]
            wait(left)
            torch.set_num_threads(before)
            sys.setswitchinterval(switching)


def device_turns(device: torch.device) -> threading.Semaphore:
    """What a lane holds while it computes on ``device``: all may at once on a CPU."""
    return threading.Semaphore(AHEAD if device.type == "cpu" else ON_DEVICE)
