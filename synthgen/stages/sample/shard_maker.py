"""Make shards: generate, score, judge, encode, write; in this process or in several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthgen.dataset.codecs.registry import codec_of
from synthgen.dataset.encoding.encoders import encoder_for
from synthgen.dataset.exclusions import read_exclusions
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt
from synthgen.dataset.rows import Rows
from synthgen.dataset.writer import Made, write_shard
from synthgen.machine.freed_memory import keep_freed_memory
from synthgen.machine.hardware import hardware
from synthgen.machine.threads import usable_cores
from synthgen.quality.repeats import Seen
from synthgen.sampling.candidates import (
    CandidateBatch,
    Judge,
    Latents,
    draw_candidates,
    examine,
)
from synthgen.sampling.sampler import ShardSampler
from synthgen.spec.plan import ShardPlan
from synthgen.spec.soft_labels import SOFT_LABEL
from synthgen.stages.judging.scorer import coded, repeat_codes
from synthgen.stages.sample.clock import Clock
from synthgen.stages.sample.job import Job, Tell
from synthgen.stages.sample.lanes import Lanes, Submit, device_turns, lane_count
from synthgen.stages.sample.tools import Tools


@dataclass(frozen=True)
class _Draft:
    """A shard whose first batches are begun."""

    shard: ShardPlan
    sampler: ShardSampler
    clock: Clock
    order: str


class ShardMaker:
    """Makes shards one after another with one loaded generator."""

    def __init__(
        self, layout: Layout, job: Job, tools: Tools, tell: Tell, threads: int | None = None
    ) -> None:
        """Make shards of ``job`` in the folder ``layout``.

        Args:
            layout: the dataset's folder.
            job: what is made.
            tools: what it is made with.
            tell: told of images as they are accepted.
            threads: that work at a time; default: one for each core to compute on.
        """
        keep_freed_memory()
        generator, measure = tools.generator, tools.scorer
        self.job = job
        self.layout = layout
        self.generator = generator
        self._tell = tell
        self._lanes = Lanes(lane_count(threads or usable_cores(generator.device)))
        self._turns = device_turns(generator.device)
        self._source = tools.conditioned(job.plan, job.class_keys)
        self._refined = tools.refined(job.class_keys)
        self._along = tools.along(job.plan)
        self._columns = tools.columns
        self._codecs = {name: codec_of(kind) for name, kind in self._columns.fields.items()}
        self._teachers = tools.teachers
        self._uncompiled = job.settings.compile
        self._device = hardware(generator.device)
        pixels = generator.image.height * generator.image.width
        self._encoder = encoder_for(job.settings.image_format, pixels, self._lanes.count)
        codes = repeat_codes(job.filters.repeats, measure)
        wide = [rule.name for rule in job.filters.repeats if rule.scope == "dataset"]
        self._judge = Judge(
            measure,
            job.filters.judge,
            job.filters.reasons,
            job.settings.acceptance_floor,
            tools.readers.read,
            lambda pixels: coded(codes, pixels),
            lambda: {rule.name: Seen(rule) for rule in job.filters.repeats},
            # What repeats another shard exactly repeats it nearly, too.
            wide[0] if wide else "exact_duplicate",
        )

    def make(self, shard: ShardPlan) -> Receipt:
        """Make and commit one shard.

        Raises:
            SynthgenError: a class falls under the acceptance floor, or the disk is full.
        """
        return self.commit(shard, self.draft(shard))

    def commit(self, shard: ShardPlan, made: Made) -> Receipt:
        """Write a shard that was made.

        Raises:
            SynthgenError: the disk is full.
        """
        return write_shard(self.layout, self.job.plan, shard, made)

    def draft(self, shard: ShardPlan) -> Made:
        """One shard in memory.

        Raises:
            SynthgenError: a class falls under the acceptance floor.
        """
        with self.drafts([shard]) as drafts:
            return next(drafts)

    @contextmanager
    def drafts(self, shards: Sequence[ShardPlan]) -> Iterator[Iterator[Made]]:
        """Gives shards in memory, one after another, each as :meth:`draft` makes it.

        While the last batches of one are made, lanes that have none left begin the next one. What
        is begun is dropped when the block is left.

        Raises:
            SynthgenError: as :meth:`draft`, when the shard is asked for.
        """
        with self._lanes.begin() as submit:
            if self._uncompiled:
                submit(self.generator.compile, self.job.settings.batch_size or 1)()
                self._uncompiled = False
            yield self._drafts(shards, submit)

    def _drafts(self, shards: Sequence[ShardPlan], submit: Submit) -> Iterator[Made]:
        waiting = deque(shards)
        begun: deque[_Draft] = deque()

        def begin_next() -> None:
            if waiting and not begun:
                begun.append(self._begin(waiting.popleft(), submit))

        while waiting or begun:
            begin_next()
            yield self._finish(begun.popleft(), begin_next)

    def _begin(self, shard: ShardPlan, submit: Submit) -> _Draft:
        job, settings = self.job, self.job.settings
        excluded = read_exclusions(self.layout).get(shard.index, frozenset())
        clock = Clock()
        keys = np.asarray(job.class_keys, dtype=np.int64)
        latents = Latents(job.plan.seed, settings.latent_std, settings.truncation)

        def look(labels: np.ndarray, candidates: np.ndarray) -> CandidateBatch:
            """One lane's work: a batch from its numbers to its files."""
            stage = "generate" if self._refined is None else "refine"
            with self._turns, clock.timed(stage):
                given = self._source.given(keys[labels], shard.index, candidates)
                source = self._refined or self._source.with_rows(given)
                drawn = draw_candidates(source, keys, latents, shard.index, labels, candidates)
            with self._turns, clock.timed("score"):
                batch = examine(
                    drawn, keys, self._judge, labels, candidates, given, self._columns.fields
                )
                # Of all candidates, so that the same kernels run whatever the filters leave.
                taught = None if self._teachers is None else self._teachers.say(batch.images)
            chosen = np.flatnonzero((batch.verdicts == 0) | settings.keep_rejects)
            with clock.timed("encode"):
                files: dict[str, list[Any]] = {
                    "image": list(self._encoder.encode(batch.images[chosen]))
                }
                for name, codec in self._codecs.items():
                    files[name] = codec.encode(batch.others[name][chosen], self._encoder.encode)
                files |= self._along.at(labels[chosen], shard.index, candidates[chosen])
                if taught is not None:
                    files[SOFT_LABEL] = taught[chosen].tolist()
            return batch.with_files(chosen, files)

        sampler = ShardSampler(
            shard,
            lambda *numbers: submit(look, *numbers),
            self._judge,
            batch_size=settings.batch_size or 1,
            class_names=job.plan.classes,
            excluded=excluded,
            available=self._source.available(shard),
            cells=self._source.cells,
            quotas=self._source.cells.quotas(job.plan, shard),
        )
        sampler.begin()
        return _Draft(shard, sampler, clock, job.order(shard, excluded))

    def _finish(self, draft: _Draft, idle: Callable[[], Any]) -> Made:
        job = self.job
        kept: list[Rows] = []
        thrown: list[Rows] = []
        rejected = {reason: dict.fromkeys(job.plan.classes, 0) for reason in job.filters.reasons}
        for batch in draft.sampler.batches(idle):
            for reason, name, count in self._count_rejects(batch):
                rejected[reason][name] += count
            keep = np.flatnonzero(batch.verdicts == 0)
            kept.append(replace(self._rows(batch, keep), reasons=None))
            if job.settings.keep_rejects:
                thrown.append(self._rows(batch, np.flatnonzero(batch.verdicts != 0)))
            self._tell(len(keep))
        rows = Rows.concat(kept)
        # A fixed shuffle: the last candidates are all of the class that is hardest to make.
        shuffle = np.random.default_rng([job.plan.seed, draft.shard.index]).permutation(len(rows))
        return Made(
            rows.take(shuffle),
            Rows.concat(thrown) if thrown else None,
            rejected,
            {stage: value / self._lanes.count for stage, value in draft.clock.seconds.items()},
            self._device,
            draft.order,
        )

    def _rows(self, batch: CandidateBatch, chosen: np.ndarray) -> Rows:
        keys = np.asarray(self.job.class_keys, dtype=np.int64)
        reasons = ("", *self.job.filters.reasons)
        places = chosen.tolist()
        encoded = {name: [cells[row] for row in places] for name, cells in batch.files.items()}
        return Rows(
            encoded.pop("image"),
            batch.labels[chosen],
            batch.candidates[chosen],
            keys[batch.labels[chosen]],
            batch.pixel_hashes[chosen],
            {name: values[chosen] for name, values in batch.scores.items()},
            [reasons[verdict] for verdict in batch.verdicts[chosen]],
            self._columns,
            encoded,
        )

    def _count_rejects(self, batch: CandidateBatch) -> Iterator[tuple[str, str, int]]:
        for position, reason in enumerate(self.job.filters.reasons, start=1):
            counts = np.bincount(batch.labels[batch.verdicts == position])
            for label in np.flatnonzero(counts):
                yield reason, self.job.plan.classes[label], int(counts[label])
