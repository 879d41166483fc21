"""What data offer a use: the rows that its task reads, and held-out ones of what is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from synthgen.algorithms.registry import Registration, find
from synthgen.data.attributes import FIELD
from synthgen.data.cache import ImageData
from synthgen.data.glance import Glance, glance
from synthgen.data.mask_names import mask_names
from synthgen.data.offered import offered_columns, offered_fields
from synthgen.data.records import Records, load_records, open_for
from synthgen.data.sources import Source, open_source, place_here
from synthgen.data.understood import Column
from synthgen.spec.derivations import derive, draws_of
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field, Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.train import TrainSettings
from synthgen.spec.solids import Views
from synthgen.spec.task import ALL, Task
from synthgen.stages.train.reading import reading_of
from synthgen.stages.train.two_sets import TwoSets, two_sets
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
            stored |= self._asked(task, stored, generator)
        wanted = [name for name in task.given if name != task.stratum]
        return {name: task.fields[name].tensor(stored[name]) for name in wanted}

    def _asked(
        self, task: Task, stored: Mapping[str, Tensor], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """What rows are asked for in place of their own: what other held-out rows have; as their
        own where either is not known."""
        found = {}
        for name in (each for each in task.given if each in task.edited):
            own = stored[name]
            drawn = torch.randint(len(self.labels), (len(own),), generator=generator)
            other = torch.from_numpy(self.columns[name])[drawn]
            found[name] = torch.where(other.isnan() | own.isnan(), own, other)
        return found


def held_rows(task: Task, data: Records, held: np.ndarray) -> GivenRows | None:
    """Held-out rows of what the generator is given beside the class; ``None`` if that is all."""
    if all(name == task.stratum for name in task.given):
        return None
    columns = {n: v[held] for n, v in data.columns.items() if n in task.streams[0]}
    return GivenRows(columns, data.labels[held])


def chosen_algorithm(settings: TrainSettings) -> Registration:
    """The algorithm that is named, else the use's own for such data.

    Raises:
        SynthgenError: there is no such algorithm or use.
    """
    if settings.use is None or settings.algorithm != "default":
        return find(settings.algorithm)
    use = find_use(settings.use)
    unpaired = use.reads.without_pairs is not None and two_sets(settings) is not None
    return find(use.reads.without_pairs if unpaired and use.reads.without_pairs else use.algorithm)


def use_defaults(settings: TrainSettings, algorithm: str) -> Mapping[str, object]:
    """The options of an algorithm that the run's use has otherwise than the algorithm."""
    return {} if settings.use is None else find_use(settings.use).defaults.get(algorithm, {})


def open_images(settings: TrainSettings) -> Source:
    """Where a run's images come from: of two sets those like the ones that are made.

    Raises:
        SynthgenError: as :func:`synthgen.data.sources.open_source`.
    """
    if settings.use is None:
        return open_source(settings, settings.split)
    sets = two_sets(settings)
    if sets is not None:
        return open_for(sets.made, "image", settings.field)
    use = find_use(settings.use)
    if use.reads.without_pairs is not None and use.reads.partner is None:
        raise SynthgenError(
            f"{settings.data}: use '{use.name}' learns from two sets of images that are no pairs: "
            "name the folder of those that are given with --source, or give one folder that holds "
            "both and say with --image-column which of the two is like what is made"
        )
    read_so = reading_of(settings, use)
    source = open_for(read_so.settings, "image", settings.field)
    return source if read_so.view is None else read_so.view(source)


def look_at(settings: TrainSettings) -> Glance:
    """What a few of the images tell, before all are decoded.

    Raises:
        SynthgenError: as :func:`synthgen.data.glance.glance`.
    """
    return glance(settings, open_images(settings))


def stand_in(
    settings: TrainSettings, algorithm: Registration, seen: Glance, images: np.ndarray
) -> tuple[Task, list[Stream]]:
    """The run's task, and streams of a few images with nothing in their further fields: to measure
    by, before all rows are read. ``images`` are those that were ``seen``."""
    spec = ImageSpec(*images.shape[1:])
    if settings.use is None:
        task = algorithm.takes.task(seen.classes, spec)
    else:
        use = find_use(settings.use)
        options = use.options.parse(settings.use_options, f"options of {use.name}")
        sets = two_sets(settings)
        told = offered_by(settings, use, seen.classes, seen.columns, spec, sets)
        task = use.task(told, options)
    streams = []
    for seed, names in enumerate(task.streams):
        columns = {}
        for name in names:
            dtype, shape = task.fields[name].stored()
            empty = np.zeros((len(images), *shape), dtype=dtype)
            columns[name] = images if shape == images.shape[1:] else empty
            columns[name] = seen.encoded_labels if name == task.stratum else columns[name]
        streams.append(Stream(columns, np.arange(len(images)), seed))
    return task, streams


def columns_of(settings: TrainSettings, use: Use, columns: Iterable[Column]) -> dict[str, str]:
    """The data's column of each field that has another name there: as the settings say, and the
    only image or mask beside the images for the use's partner."""
    named = dict(settings.field)
    partner, offered = use.reads.partner, offered_columns(columns)
    if partner is None or partner in named or partner in offered:
        return named
    shown = settings.image_column or named.get("image", "image")
    others = [n for n, c in offered.items() if c.kind in ("image", "mask") and n != shown]
    return {**named, partner: others[0]} if len(others) == 1 else named


def offered_by(
    settings: TrainSettings,
    use: Use,
    classes: tuple[str, ...],
    known: Sequence[Column],
    image: ImageSpec,
    sets: TwoSets | None,
) -> Offered:
    """What data of these classes and with these ``known`` columns offer the use, the columns by
    the names of its fields."""
    label = None if classes == (ALL,) else Label(classes)
    if sets is not None:
        return Offered(image, label, kinds=sets.kinds)
    columns = offered_fields(known, image)
    for name, column in columns_of(settings, use, known).items():
        if column in columns:
            columns[name] = columns[column]
    folder = place_here(settings)
    told = mask_names(settings, folder if folder.is_dir() else None)
    return Offered(image, label, columns, told.names if told is not None else ())


def load_for(settings: TrainSettings, use: Use) -> tuple[Records, Task]:
    """The rows that a use reads, and its task.

    Raises:
        SynthgenError: the data lack what it needs.
    """
    options = use.options.parse(settings.use_options, f"options of {use.name}")
    source = open_images(settings)
    tasks: list[Task] = []

    def wanted(_: Source, images: ImageData) -> Mapping[str, Field]:
        """What the task reads of a row, with what the use names besides."""
        if use.reads.labelled and images.classes == (ALL,):
            raise SynthgenError(f"{settings.data}: use '{use.name}' needs rows with a class")
        known = images.understood.columns
        if use.reads.tagged and not any(column.kind == "attributes" for column in known):
            raise SynthgenError(
                f"{settings.data}: use '{use.name}' needs tags or other attributes of each row; "
                f"name their columns with --field {FIELD}=A,B"
            )
        told = offered_by(settings, use, images.classes, known, images.image, None)
        task = use.task(told, options)
        tasks.append(task)
        read = {n: task.fields[n] for n in task.streams[0] if n != "image"}
        return {"image": Image(1, 1, 1), **use.reads.needs(options), **read}

    columns = columns_of(settings, use, source.understood.columns)
    read_so = reading_of(settings, use)
    if read_so.apart is not None:
        columns.pop(read_so.apart, None)
    found = load_records(read_so.settings, wanted, columns, main="image", view=read_so.view)
    drawn = [
        f"column '{name}': {field.count} silhouettes of '{tasks[0].derived[name].of[0]}': the data "
        "have no views"
        for name, field in tasks[0].fields.items()
        if isinstance(field, Views) and name in tasks[0].derived
    ]
    return replace(found, said=(*found.said, *drawn)), tasks[0]


def load_two(settings: TrainSettings, use: Use, sets: TwoSets) -> tuple[Records, Records, Task]:
    """The images like those that are made, those that they are made from, and the use's task.

    They are labelled where both have the same classes; else no label is used.

    Raises:
        SynthgenError: one of the sets cannot be read.
    """
    options = use.options.parse(settings.use_options, f"options of {use.name}")
    labelled = sets.labelled
    any_size: Field = Image(1, 1, 1)
    data = load_records(sets.made, {"image": any_size}, {}, labelled=labelled)
    wanted = {"classes": data.classes if labelled else None, **data.image.as_settings()}
    source = sets.source.model_copy(update=wanted)
    other = load_records(source, {"source": any_size}, {}, labelled=labelled)
    told = offered_by(settings, use, data.classes, (), data.image, sets)
    return data, other, use.task(told, options)
