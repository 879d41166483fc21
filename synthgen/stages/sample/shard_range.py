"""Some shards of a run that another process coordinates: what a worker on any host does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from synthgen.dataset.commit import read_json
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt
from synthgen.dataset.run_settings import settings_hash
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.job import Tell, todo
from synthgen.stages.sample.resolve import resolve
from synthgen.stages.sample.shard_maker import ShardMaker
from synthgen.storage.place import place


def parse_range(text: str) -> range:
    """``"12-19"`` or ``"7"`` to the shards' indices.

    Raises:
        SynthgenError: it is neither.
    """
    first, _, last = text.partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        raise SynthgenError(f"shards '{text}': give a range like 0-9, or one number")
    return range(int(first), int(last or first) + 1)


def make_range(
    settings: SampleSettings,
    indices: Collection[int],
    progress: Tell = lambda count: None,
    between: Callable[[], None] = lambda: None,
) -> Iterator[Receipt]:
    """Make those of the shards that are not done, in this process; ``settings.out`` has the run.

    Does not take the folder's lock, which the coordinator holds: shards are committed whole, and
    one that two workers make is the same both times. ``between`` is called before each shard.

    Raises:
        SynthgenError: the folder holds no run, or one of other settings or generator weights.
    """
    if settings.out is None:
        raise SynthgenError("out: name the folder of the run")
    layout = Layout(place(settings.out))
    layout.refuse_links()
    if not layout.settings.is_file() or not layout.plan.is_file():
        raise SynthgenError(
            f"{layout.root}: holds no run here; its folder must be the same on every host"
        )
    resolved = resolve(settings)
    if resolved.job.settings_hash != settings_hash(read_json(layout.settings)):
        raise SynthgenError(
            f"{layout.root}: holds a run of other settings (or of other generator weights, or "
            "begun on another kind of device) than this worker was given"
        )
    job = replace(resolved.job, plan=Plan.from_json(read_json(layout.plan)))
    wanted = [shard for shard in todo(layout, job) if shard.index in indices]
    if not wanted:
        return
    maker = ShardMaker(layout, job, resolved.tools, progress)
    for shard in wanted:
        between()
        yield maker.make(shard)
