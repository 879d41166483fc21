"""The rows of a run: one set of images with what lies beside them, or two sets without pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.algorithms.registry import Registration
from synthgen.data.cache import ImageData, load_images
from synthgen.data.records import Records
from synthgen.data.splits import hold_out
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import DecidedTrainSettings, TrainSettings
from synthgen.spec.task import Task, label_to_image
from synthgen.stages.train.offered import (
    GivenRows,
    chosen_algorithm,
    held_rows,
    load_for,
    load_two,
)
from synthgen.stages.train.two_sets import two_sets, uneven
from synthgen.training.batches import Stream
from synthgen.training.distributed import Ranks
from synthgen.uses.registry import find_use

Images = ImageData | Records


@dataclass(frozen=True)
class Loaded:
    """What a run reads."""

    data: Images
    """Images like those that are made, with what lies beside them."""
    other: Images | None
    """Images of the other kind, where there are two sets."""
    task: Task | None
    """The task that a use makes of them; ``None`` without a use."""

    def streams(
        self,
        settings: DecidedTrainSettings,
        registration: Registration,
        chosen: np.ndarray,
        held: np.ndarray,
    ) -> tuple[Task, list[Stream], GivenRows | None]:
        """The run's task, the rows of each of its streams, and held-out rows of what is given.

        ``chosen`` and ``held`` are rows of ``data``.
        """
        if self.other is None:
            task = self.task or label_to_image(self.data.classes, self.data.image)
            own = self.data
            given = held_rows(task, own, held) if isinstance(own, Records) else None
            return task, [_stream(task, own, chosen, settings.seed)], given
        task = self.task or self._two_kinds(settings, registration)
        learnt, aside = hold_out(self.other.labels, settings.holdout, settings.seed)
        told = uneven(self.data.classes, self.data.labels[chosen], self.other.labels[learnt])
        if told is not None:
            say(told)
        given = GivenRows({"source": self.other.images[aside]}, self.other.labels[aside])
        source = {"source": self.other.images, "label": self.other.labels}
        columns = {name: source[name] for name in task.streams[1]}
        return task, [
            _stream(task, self.data, chosen, settings.seed),
            Stream(columns, learnt, settings.seed + 1),
        ], given if task.others else None  # fmt: skip

    def _two_kinds(self, settings: TrainSettings, registration: Registration) -> Task:
        assert self.other is not None
        names = settings.source_domain or self.other.name, settings.domain or self.data.name
        shows = names if names[0] != names[1] else (f"{names[0]} (source)", names[1])
        return registration.takes.task(self.data.classes, self.data.image, shows)


def load(settings: TrainSettings, group: Ranks) -> Loaded:
    """The rows that settings name; the first rank decodes them.

    Raises:
        SynthgenError: they cannot be read, or lack what the use needs.
    """
    found = _load(settings) if group.leads else None
    if found is not None:
        sets = two_sets(settings) if settings.use is not None and found.other is not None else None
        notice = "" if settings.use is None else find_use(settings.use).said.notice
        if notice:
            say(f"notice: {notice}")
        lines = [*(sets.lines() if sets is not None else ()), *found.data.lines()]
        for line in (*lines, *(f"skipped: {each}" for each in found.data.skipped)):
            say(line)
    group.wait()
    return found if found is not None else _load(settings)


def _load(settings: TrainSettings) -> Loaded:
    if settings.use is not None:
        use = find_use(settings.use)
        sets = two_sets(settings) if use.reads.without_pairs is not None else None
        if sets is not None:
            return Loaded(*load_two(settings, use, sets))
        data, task = load_for(settings, use)
        return Loaded(data, None, task)
    images = load_images(settings)
    two = chosen_algorithm(settings).takes.streams == 2
    return Loaded(images, load_source(settings, images) if two else None, None)


def _stream(task: Task, data: Images, chosen: np.ndarray, seed: int) -> Stream:
    """The rows of a task's first stream."""
    found = {"image": data.images} if isinstance(data, ImageData) else dict(data.columns)
    columns = {n: data.labels if n == task.stratum else found[n] for n in task.streams[0]}
    return Stream(columns, chosen, seed)


def load_source(settings: TrainSettings, target: ImageData) -> ImageData:
    """The other domain's images, of the target's size, mode and classes.

    Raises:
        SynthgenError: it lacks one of the target's classes, or cannot be read.
    """
    changes = {
        "data": settings.source or settings.data,
        "domain": settings.source_domain,
        "domain_column": settings.domain_column if settings.source_domain else None,
        "classes": target.classes,
        **target.image.as_settings(),
    }
    return load_images(settings.model_copy(update=changes))


def check_domains(settings: TrainSettings) -> None:
    """Raises:
    SynthgenError: the algorithm needs another number of domains than the settings give.
    """
    given = settings.source is not None or settings.source_domain is not None
    if settings.use is not None:
        if given and find_use(settings.use).reads.without_pairs is None:
            raise SynthgenError(
                f"use '{settings.use}' has one set of images: leave out source, source_domain"
            )
        return
    registration = chosen_algorithm(settings)
    name, two = registration.name, registration.takes.streams == 2
    if two and not given:
        raise SynthgenError(
            f"algorithm '{name}' learns from two domains: give the other one's images with "
            "--source, or both out of one table with --domain-column, --domain and --source-domain"
        )
    if given and not two:
        raise SynthgenError(f"algorithm '{name}' has one domain: leave out source, source_domain")
