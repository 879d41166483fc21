"""The steps of growing a dataset: each finds what is done of it, and does the rest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.splits import Labelled
from synthgen.dataset.commit import disk_errors, read_json
from synthgen.dataset.layout import Layout
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.progress import say
from synthgen.machine.threads import chosen_threads
from synthgen.spec.errors import TooFewPass
from synthgen.spec.settings.grow import GrowSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.grow.ensemble import Teaching
from synthgen.stages.grow.folder import DATASET, POOL, RoundFolder, round_folder
from synthgen.stages.grow.inputs import Inputs
from synthgen.stages.grow.labelling import label_pool, read_labels, read_record
from synthgen.stages.grow.table import Part, write_labelled
from synthgen.stages.sample.resolve import resolve, told
from synthgen.stages.sample.stage import run
from synthgen.stages.train.stage import train
from synthgen.stages.utility.trials import synthetic_images
from synthgen.training.fixed_budget import Budget, Source

MEND = "go on with --filters none, or give more {images} with another --out"
"""Where filters take nearly all samples."""
SEEDS_A_ROUND = 100
"""Between the seeds of two labellings' classifiers: no more than so many are trained in one."""


@dataclass(frozen=True)
class Step:
    """A piece of the work that is found done, or done."""

    name: str
    work: Callable[[], None]


class Growth:
    """A dataset that grows in its folder."""

    def __init__(self, settings: GrowSettings, inputs: Inputs, out: Path) -> None:
        self.settings, self.inputs = settings, inputs
        # Training keeps the path of its data: from another folder it is to be the same.
        self.out = out.resolve()
        self.device = resolve_device(settings.device)
        self.precision = resolve_precision(settings.precision, self.device)

    def steps(self) -> list[Step]:
        """All steps, in their order."""
        found = []
        for number in range(1, self.settings.rounds + 1):
            found += [
                Step(f"round-{number} labels", partial(self.label, number)),
                Step(f"round-{number} train", partial(self.train, number)),
                Step(f"round-{number} sample", partial(self.sample, number)),
            ]
        at_last = partial(self.label, self.settings.rounds + 1)
        return [*found, Step("final labels", at_last), Step("finish", self.finish)]

    def folder(self, number: int) -> RoundFolder:
        """The folder of a labelling."""
        return round_folder(self.out, number, self.settings.rounds)

    def label(self, number: int) -> None:
        """Train classifiers on what has labels by now, and label the pool."""
        settings = self.settings
        others = [] if number == 1 else self._others(number - 1)
        share = 1.0 - sum(source.share for source in others)
        # Shares of decimals do not always add up to just 1.
        share = 0.0 if share < 1e-9 else share
        with chosen_threads(settings.threads, self.device, self.inputs.image):
            record = label_pool(
                number, self.inputs, share, others, self.teaching(number), self.folder(number),
                confidence=settings.confidence, ratio=settings.class_ratio,
            )  # fmt: skip
        say(record.line(settings.rounds))
        for line in record.by_class():
            say(line)

    def train(self, number: int) -> None:
        """Train a class-conditional generator on labelled images and those that were labelled."""
        settings, where = self.settings, self.folder(number)
        text = f"Real images with their labels, or with those of the classifiers of round {number}."
        write_labelled(where.learnt, self.inputs.classes, self._learnt(where), text)
        values: dict[str, Any] = {
            "data": str(where.learnt), "out": str(where.run), "min_per_class": 1,
            **self.inputs.image.as_settings(), "algorithm": settings.algorithm,
            "options": settings.options, "images": settings.images, "minutes": settings.minutes,
            "flip": settings.flip, "seed": settings.seed + number, "device": settings.device,
            "precision": settings.precision, "threads": settings.threads,
            "cache_dir": settings.cache_dir,
        }  # fmt: skip
        train(TrainSettings.parse(values))

    def sample(self, number: int) -> None:
        """Make the round's samples, filtered by default. What other filters have left unfinished
        is begun anew; what they have finished stays.

        Raises:
            SynthgenError: the filters take nearly all.
        """
        settings, where = self.settings, self.folder(number)
        wanted = SampleSettings.parse({
            "generator": str(where.run / "bundle"), "per_class": settings.per_class,
            "seed": settings.seed, "out": str(where.samples), "device": settings.device,
            "precision": settings.precision, "filters": settings.filters,
        })  # fmt: skip
        resolved, layout = told(resolve(wanted), self._story(number)), Layout(where.samples)
        other = layout.settings.is_file() and read_json(layout.settings).get(
            "filters"
        ) != json.loads(json.dumps(resolved.settings["filters"]))
        if other and layout.is_complete():
            say(f"{where.samples}: finished with other filters, and stays")
            return
        try:
            run(resolved, "overwrite" if other else "new")
        except TooFewPass as error:
            raise error.instead(MEND.format(images="--images")) from None

    def finish(self) -> None:
        """Copy the last round's samples to their place, and the labelled pool if it is wanted."""
        settings = self.settings
        target = self.out / DATASET
        if not Layout(target).is_complete():
            beside = self.out / f".{DATASET}.part"
            with disk_errors(self.out):
                for stale in (beside, target):
                    shutil.rmtree(stale, ignore_errors=True)
                shutil.copytree(self.folder(settings.rounds).samples, beside)
                beside.rename(target)
        if settings.keep_pool:
            write_labelled(
                self.out / POOL, self.inputs.classes, self._pool_parts(), self._pool_story()
            )

    def teaching(self, number: int) -> Teaching:
        """How the classifiers of a labelling are trained."""
        settings = self.settings
        budget = Budget(
            steps=settings.steps, batch_size=settings.classifier_batch, width=settings.width,
            flip=settings.flip,
        )  # fmt: skip
        seed = (settings.seed << 12) + number * SEEDS_A_ROUND
        return Teaching(
            len(self.inputs.classes), settings.members, budget, settings.fixmatch, seed,
            self.device, self.precision,
        )  # fmt: skip

    def _others(self, number: int) -> list[Source]:
        """What the classifiers after a round learn from beside labels: its samples, its pool."""
        settings, where = self.settings, self.folder(number)
        most = settings.steps * settings.classifier_batch
        made = synthetic_images(open_dataset(where.samples), most)
        found = [_whole(made, settings.sample_share)]
        if settings.pool_share:
            labels, _, kept = read_labels(where)
            found.append(Source(
                self.inputs.pool.images, labels, np.flatnonzero(kept), settings.pool_share
            ))  # fmt: skip
        return found

    def _learnt(self, where: RoundFolder) -> list[Part]:
        """What a generator learns from."""
        labels, confidence, kept = read_labels(where)
        rows = np.flatnonzero(kept)
        pool = Part(self.inputs.pool.images, rows, labels[rows], confidence[rows])
        given = self.inputs.labelled
        own = np.arange(len(given.labels))
        if self.settings.only_pool:
            alone = np.setdiff1d(np.arange(len(self.inputs.classes)), labels[rows])
            own = np.flatnonzero(np.isin(given.labels, alone))
            for label in alone:
                say(
                    f"class '{self.inputs.classes[label]}': nothing of the pool is kept, so the "
                    "generator learns it from the labelled images"
                )
        return [Part(given.images, own, given.labels[own], None), pool]

    def _pool_parts(self) -> list[Part]:
        """The pool images that have a label at the end."""
        labels, confidence, kept = read_labels(self.folder(self.settings.rounds + 1))
        rows, known = np.flatnonzero(kept), np.flatnonzero(self.inputs.known)
        images = self.inputs.pool.images
        return [
            Part(images, known, self.inputs.pool_given[known], None),
            Part(images, rows, labels[rows], confidence[rows]),
        ]

    def _story(self, number: int) -> str:
        """What the card of a round's samples says of how they came about."""
        inputs = self.inputs
        record = read_record(self.folder(number))
        held = None if record is None else record.held_out
        known = "" if held is None else f" (they tell {held:.0%} of labels held out of them)"
        return (
            f"Grown from few labels: in round {number} classifiers that began with "
            f"{len(inputs.labelled.labels):,} labelled images of {inputs.labelled.name} labelled "
            f"{len(inputs.pool.labels):,} images of {inputs.pool.name}{known}, and the generator "
            "was trained on those that they were sure of"
            f"{'' if self.settings.only_pool else ' and on the labelled ones'}. The labels are as "
            f"good as theirs. See experiment {self.settings.experiment} in docs/utility.md for "
            "what such data are worth."
        )

    def _pool_story(self) -> str:
        return (
            f"# Images of {self.inputs.pool.name}, labelled by classifiers\n\n"
            f"The classifiers began with {len(self.inputs.labelled.labels):,} labelled images and "
            f"learnt from {self.settings.rounds} rounds of labelling and generated images. "
            "`confidence` is theirs, calibrated; where `given` is true the label is one that was "
            f"given. Images that they were not sure of (under {self.settings.confidence:g}) are "
            f"left out. `row` is the image's place in its source. See experiment "
            f"{self.settings.experiment} in docs/utility.md for what such data are worth."
        )


def _whole(made: Labelled, share: float) -> Source:
    return Source(made.images, made.labels, np.arange(len(made.labels)), share)
