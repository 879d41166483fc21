"""Make shards in several processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

import torch

from synthgen.dataset.commit import sweep
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt
from synthgen.machine.devices import resolve_device
from synthgen.machine.threads import usable_cores
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import ShardPlan
from synthgen.stages.sample.job import Job, Tell
from synthgen.stages.sample.shard_maker import ShardMaker
from synthgen.stages.sample.tools import Tools

_worker: ShardMaker | None = None

SIGNALS = {signal.SIGINT, signal.SIGTERM}


def _start_worker(layout: Layout, job: Job, threads: int) -> None:
    global _worker
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    _worker = ShardMaker(layout, job, Tools.of(job), lambda count: None, threads)


def _end_with_parent() -> None:
    """Nobody waits for the work of a parent that is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(shard: ShardPlan) -> Receipt:
    assert _worker is not None
    return _worker.make(shard)


def make_in_processes(
    layout: Layout, job: Job, shards: list[ShardPlan], tell: Tell
) -> Iterator[Receipt]:
    """Make ``shards`` in as many processes as the settings say; receipts come as shards finish.

    Raises:
        SynthgenError: a worker's own error, or a worker was killed.
    """
    workers = min(job.settings.workers, len(shards))
    threads = max(1, usable_cores(resolve_device(job.settings.device)) // workers)
    # Spawned, not forked: torch's thread pools do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(layout, job, threads)
    )
    others = set(multiprocessing.active_children())
    try:
        # Workers are born with both signals blocked: whoever sends them to all processes of the
        # group (a terminal does) stops this one, and this one its workers.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            futures = [pool.submit(_work, shard) for shard in shards]
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        for future in as_completed(futures):
            receipt = future.result()
            tell(receipt.rows)
            yield receipt
    except BrokenProcessPool:
        raise SynthgenError(
            f"{layout.root}: a worker process died (out of memory, or killed); finished shards are "
            "kept: run the same command again to go on"
        ) from None
    except (KeyboardInterrupt, GeneratorExit):
        # A shard takes minutes; what is half made of it lies in staging.
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
            process.join()
        sweep(layout.staging)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
