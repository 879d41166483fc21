"""What data offer a use: the rows that its task reads, and held-out ones of what is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthgen.algorithms.registry import Registration, find
from synthgen.data.glance import Glance, glance
from synthgen.data.records import Records, load_records, open_rows
from synthgen.data.sources import Source, open_source
from synthgen.spec.derivations import derive, draws_of
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field, Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.train import TrainSettings
from synthgen.spec.task import ALL, Task
from synthgen.training.batches import Stream
from synthgen.uses.registry import Offered, Use, find_use


@dataclass(frozen=True)
class GivenRows:
    """Rows that a generator can be given: stored columns by field, and the rows' classes."""

    columns: Mapping[str, np.ndarray]
    labels: np.ndarray

    def of(self, task: Task, labels: np.ndarray, seed: int) -> dict[str, Tensor]:
        """For each label a row of its class, taking turns: the given fields as networks take
        them."""
        rows = np.empty(len(labels), dtype=np.int64)
        for label in np.unique(labels):
            places, known = labels == label, np.flatnonzero(self.labels == label)
            rows[places] = np.resize(known, int(places.sum()))
        stored = {n: torch.from_numpy(values[rows]) for n, values in self.columns.items()}
        if task.derived:
            generator = torch.Generator().manual_seed(seed)
            draws = torch.rand(len(rows), draws_of(task), generator=generator)
            stored = derive(task, stored, draws)
        wanted = [name for name in task.given if name != task.stratum]
        return {name: task.fields[name].tensor(stored[name]) for name in wanted}


def held_rows(task: Task, data: Records, held: np.ndarray) -> GivenRows | None:
    """Held-out rows of what the generator is given beside the class; ``None`` if that is all."""
    if all(name == task.stratum for name in task.given):
        return None
    columns = {n: v[held] for n, v in data.columns.items() if n in task.streams[0]}
    return GivenRows(columns, data.labels[held])


def chosen_algorithm(settings: TrainSettings) -> Registration:
    """The algorithm that is named, else the use's own.

    Raises:
        SynthgenError: there is no such algorithm or use.
    """
    if settings.use is None or settings.algorithm != "default":
        return find(settings.algorithm)
    return find(find_use(settings.use).algorithm)


def open_images(settings: TrainSettings) -> Source:
    """Where a run's images come from.

    Raises:
        SynthgenError: as :func:`synthgen.data.sources.open_source`.
    """
    if settings.use is None:
        return open_source(settings, settings.split)
    return open_rows(settings)


def look_at(settings: TrainSettings) -> Glance:
    """What a few of the images tell, before all are decoded.

    Raises:
        SynthgenError: as :func:`synthgen.data.glance.glance`.
    """
    return glance(settings, open_images(settings))


def stand_in(
    settings: TrainSettings,
    algorithm: Registration,
    images: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
) -> tuple[Task, list[Stream]]:
    """The run's task, and streams of a few images with nothing in their further fields: to measure
    by, before all rows are read."""
    spec = ImageSpec(*images.shape[1:])
    if settings.use is None:
        task = algorithm.takes.task(classes, spec)
    else:
        use = find_use(settings.use)
        options = use.options.parse(settings.use_options, f"options of {use.name}")
        label = None if classes == (ALL,) else Label(classes)
        task = use.task(Offered(spec, label), options)
    streams = []
    for seed, names in enumerate(task.streams):
        columns = {}
        for name in names:
            dtype, shape = task.fields[name].stored()
            empty = np.zeros((len(images), *shape), dtype=dtype)
            columns[name] = images if shape == images.shape[1:] else empty
            columns[name] = labels if name == task.stratum else columns[name]
        streams.append(Stream(columns, np.arange(len(images)), seed))
    return task, streams


def load_for(settings: TrainSettings, use: Use) -> tuple[Records, Task]:
    """The rows that a use reads, and its task.

    Raises:
        SynthgenError: the data lack what it needs.
    """
    options = use.options.parse(settings.use_options, f"options of {use.name}")
    # The image's size is the settings', or the first file's: any will do to name the column.
    fields: dict[str, Field] = {"image": Image(1, 1, 1), **use.needs(options)}
    data = load_records(settings, fields, settings.field)
    labelled = data.classes != (ALL,)
    if use.labelled and not labelled:
        raise SynthgenError(f"{settings.data}: use '{use.name}' needs rows with a class")
    label = Label(data.classes) if labelled else None
    task = use.task(Offered(data.image, label), options)
    return data, task
