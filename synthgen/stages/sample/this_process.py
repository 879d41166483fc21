"""Make shards in this process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from synthgen.dataset.receipts import Receipt
from synthgen.spec.plan import ShardPlan
from synthgen.stages.sample.shard_maker import ShardMaker


def make_here(maker: ShardMaker, shards: list[ShardPlan]) -> Iterator[Receipt]:
    """Make ``shards`` in this process; one is written while the next one is made."""
    writing: Future[Receipt] | None = None
    with (
        ThreadPoolExecutor(1, "writer") as writer,
        maker.drafts(shards) as drafts,
    ):
        for shard in shards:
            made = next(drafts)
            if writing is not None:
                yield writing.result()
            writing = writer.submit(maker.commit, shard, made)
            del made  # a shard in memory is the writer's alone, and gone once written
        if writing is not None:
            yield writing.result()
