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
from synthgen.generators.zoo import load_generator
from synthgen.machine.devices import resolve_device
from synthgen.machine.threads import usable_cores
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import ShardPlan
from synthgen.stages.sample.job import Job, Tell
from synthgen.stages.sample.shard_maker import ShardMaker

_worker: ShardMaker | None = None

SIGNALS = {signal.SIGINT, signal.SIGTERM}


def _start_worker(job: Job, threads: int) -> None:
    global _worker
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    settings = job.settings
    generator = load_generator(job.generator, settings.device, settings.precision)
    if generator.weights_sha256 != job.generator_sha256:
        raise SynthgenError(f"generator '{job.generator}' changed while the run was going on")
    _worker = ShardMaker(job, generator, threads)


def _end_with_parent() -> None:
    """Nobody waits for the work of a parent that is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(layout: Layout, shard: ShardPlan) -> Receipt:
    assert _worker is not None
    return _worker.make(layout, shard, lambda count: None)


def make_in_processes(
    job: Job, layout: Layout, shards: list[ShardPlan], workers: int, progress: Tell
) -> Iterator[Receipt]:
    """Make ``shards`` in ``workers`` processes; receipts come in the order in which shards finish.

    Raises:
        SynthgenError: a worker's own error, or a worker was killed.
    """
    workers = min(workers, len(shards))
    threads = max(1, usable_cores(resolve_device(job.settings.device)) // workers)
    # Spawned, not forked: torch's thread pools do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(job, threads)
    )
    others = set(multiprocessing.active_children())
    try:
        # Workers are born with both signals blocked: whoever sends them to all processes of the
        # group (a terminal does) stops this one, and this one its workers.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            futures = [pool.submit(_work, layout, shard) for shard in shards]
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        for future in as_completed(futures):
            receipt = future.result()
            progress(receipt.rows)
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
