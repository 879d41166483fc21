"""Images that Python code asks a generator for, under the conditions that a run of the command line
would have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any, cast

import numpy as np

from synthgen.data.attributes import FIELD
from synthgen.data.records import Records
from synthgen.generators import zoo
from synthgen.generators.asked import Asked, Samples, occurrences
from synthgen.generators.class_indices import class_indices
from synthgen.generators.generator import Generator
from synthgen.sampling.planning import class_counts
from synthgen.sampling.source_rows import SourceRows
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Field, Image
from synthgen.spec.image import quantise, to_host
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.texts import Text
from synthgen.stages.sample.conditions import (
    Conditioned,
    conditions_of,
    load_sources,
    row_fields,
)
from synthgen.stages.sample.prompts import prompted

LABEL = "label"
DEALT = ("n", "per_class", "per_prompt")
"""Settings that say how many images there are to be."""
TAKEN = (
    *DEALT, "classes", "set", "balance", "field", "given_again", "structure", "image_column",
    "label_column", "mask_names", "source_split", "source_domain", "source_domain_column",
)  # fmt: skip
"""Settings of ``synthgen sample`` that say what an image is to be; the others are of datasets."""


def load_generator(name: str, device: str = "auto", precision: str = "auto") -> Generator:
    """A generator by bundled name, folder or store URL (of a bundle or of the run that made it), or
    hub id.

    Raises:
        SynthgenError: nothing has this name, or the bundle is damaged, or the device is not there.
    """
    generator = zoo.load_generator(name, device, precision)
    generator.maker = make_rows
    return generator


def make_rows(generator: Generator, asked: Asked) -> Samples:
    """Images and their columns, as a run of one shard without filters would make them.

    Given rows keep their order, and so do labels and prompts; else images come by class.

    Raises:
        SynthgenError: what the generator is given is missing or wrong.
    """
    classes, indices = _classes(generator, asked)
    settings = _settings(generator, asked, classes)
    prompts = prompted(settings, generator, classes)
    data = _rows(generator, asked, settings, classes)
    classes = classes if prompts is None else tuple(prompts.by_class)
    counts = prompts.counts(settings) if prompts is not None else None
    counts = counts if counts is not None else _counts(asked, settings, classes, data, indices)
    plan = Plan(classes, asked.seed, (ShardPlan(0, "train", 0, tuple(counts)),))
    strata = np.repeat(np.arange(len(classes)), counts)
    numbers = occurrences(strata)
    if data is not None and not settings.given_again:
        dealt = SourceRows(data.strata, plan).rows(0, strata.tolist(), numbers.tolist())
        order = np.argsort(dealt, kind="stable")
    elif indices is not None:
        order = np.argsort(np.argsort(indices, kind="stable"), kind="stable")
    else:
        order = np.arange(len(strata))
    keys = tuple(class_indices(classes, generator.classes, f"generator '{generator.name}'"))
    conditions, cells = conditions_of(settings, generator, data, plan)
    maker = Conditioned(generator, conditions, tuple(int(key) for key in keys), cells)
    return _drawn(maker, asked, strata[order], numbers[order], plan)


def _classes(generator: Generator, asked: Asked) -> tuple[tuple[str, ...], np.ndarray | None]:
    """The classes that are made, and where ``labels`` say one of each image these, ``int64 [N]``,
    positions in the classes."""
    if asked.labels is None:
        chosen = asked.settings.get("classes")
        return tuple(chosen) if chosen else generator.learnt, None
    wanted = [asked.labels] if isinstance(asked.labels, str) else asked.labels
    found = class_indices(wanted, generator.classes, f"generator '{generator.name}'")
    own = np.unique(found)
    return tuple(generator.classes[key] for key in own), np.searchsorted(own, found)


def _settings(generator: Generator, asked: Asked, classes: Sequence[str]) -> SampleSettings:
    """The settings of the run that would make the same."""
    for name in asked.settings:
        if name in SampleSettings.model_fields and name not in TAKEN:
            raise SynthgenError(
                f"sample: '{name}' is of datasets, which synthgen.sample makes; here are taken "
                f"{name_list(TAKEN, len(TAKEN))}"
            )
    values: dict[str, Any] = {**asked.settings, "seed": asked.seed, "filters": "none"}
    values |= {"latent_std": asked.latent_std, "truncation": asked.truncation}
    if not any(name in values for name in DEALT):
        values |= {"per_class": 1} if asked.prompts is None else {"per_prompt": 1}
    if asked.prompts is not None:
        kind = classes[0] if len(classes) == 1 else ""
        values["prompts"] = tuple((" ".join(text.split()), kind) for text in asked.prompts)
    if isinstance(asked.given, str | PathLike):
        values["source"] = fspath(asked.given)
    named: dict[str, str] = {}
    if isinstance(asked.given, Mapping):
        named = {name: name for name in asked.given if name in generator.task.given}
    elif asked.given is not None and "source" not in values:
        shown = _shown(generator, cast(Sequence[Any], asked.given))
        named = {shown: shown}
    values["field"] = {**named, **dict(values.get("field", {}))}
    return SampleSettings.parse(values, "settings of sample")


def _shown(generator: Generator, images: Sequence[Any]) -> str:
    """The field that images are: the only one that rows must have, or the one that is derived from
    it, where they have its size."""
    task = generator.task
    needed = [n for n in row_fields(task) if isinstance(task.fields[n], Image)]
    if len(needed) != 1:
        raise SynthgenError(
            f"given: generator '{generator.name}' makes images from {name_list(generator.given)}, "
            "not from images alone: give columns by name"
        )
    sizes = {n: task.fields[n].stored()[1] for n in (needed[0], *generator.given)}
    shape = np.asarray(images[0]).shape if len(images) else ()
    shape = shape if len(shape) == 3 else (*shape, 1)
    return next((name for name, size in sizes.items() if size == shape), needed[0])


def _rows(
    generator: Generator, asked: Asked, settings: SampleSettings, classes: Sequence[str]
) -> Records | None:
    """The given rows; ``None`` where none are needed."""
    if asked.given is None or settings.source is not None:
        return load_sources(settings, generator, classes)
    task = generator.task
    columns = asked.given
    if not isinstance(columns, Mapping):
        columns = {next(iter(settings.field)): cast(Sequence[Any], columns)}
    needed = row_fields(task, settings.field)
    known = {*needed, *([] if task.stratum is None else [LABEL])}
    for name in columns:
        if name not in known:
            raise SynthgenError(
                f"given: generator '{generator.name}' takes no column '{name}' (but "
                f"{name_list(sorted(known)) or 'none'}){did_you_mean(name, known)}"
            )
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1 or not max(lengths):
        raise SynthgenError("given: columns need the same number of rows, and at least one")
    count = lengths.pop()
    stored = {
        name: _stored(name, task.fields[name], columns.get(name), count, name in task.edited)
        for name in needed
    }
    labels: Any = columns.get(LABEL, asked.labels)
    strata = np.zeros(count, dtype=np.int64)
    if task.stratum is not None and (labels is not None or len(classes) > 1):
        if labels is None or len(labels) != count:
            raise SynthgenError(f"given: say the class of each row in a column '{LABEL}'")
        strata = class_indices(labels, tuple(classes), f"generator '{generator.name}'")
    return Records(stored, strata, tuple(classes), "given rows", "", "")


def _stored(
    name: str, field: Field, values: Sequence[Any] | None, count: int, edited: bool
) -> np.ndarray:
    """Stored rows ``[N, ...]`` of one column."""
    if values is None and edited and name == FIELD:  # what a row does not say of itself
        dtype, shape = field.stored()
        return np.full((count, *shape), np.nan, dtype=dtype)
    if values is None:
        raise SynthgenError(f"given: rows need a column '{name}'")
    rows = []
    for place, value in enumerate(values):
        try:
            rows.append(field.read(value))
        except (ValueError, TypeError, KeyError) as error:
            raise SynthgenError(f"given: row {place}, column '{name}': {error}") from None
    return np.stack(rows)


def _counts(
    asked: Asked, settings: SampleSettings, classes: tuple[str, ...], data: Records | None,
    indices: np.ndarray | None,
) -> list[int]:  # fmt: skip
    """Images of each class: as many as settings, rows or labels say."""
    if any(name in asked.settings for name in DEALT):
        return class_counts(classes, settings.n, settings.per_class)
    found = data.strata if data is not None else indices
    if found is None:
        return [1] * len(classes)
    counts: list[int] = np.bincount(found, minlength=len(classes)).tolist()
    return counts


def _drawn(
    maker: Conditioned, asked: Asked, strata: np.ndarray, numbers: np.ndarray, plan: Plan
) -> Samples:
    """The images of candidates ``int64 [N]``, batch by batch, and their columns."""
    task, keys = maker.generator.task, np.array(maker.class_keys)
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(strata), asked.batch_size):
        count = len(strata[start : start + asked.batch_size])
        # Always a full batch: the same kernels run whatever is left to make.
        padded = np.resize(np.arange(start, start + count), asked.batch_size)
        labels, own = keys[strata[padded]], numbers[padded]
        given = maker.given(labels, 0, own)
        made = maker.with_rows(given).candidates(
            labels, np.zeros_like(own), own, seed=asked.seed, latent_std=asked.latent_std,
            truncation=asked.truncation,
        )  # fmt: skip
        rows = dict(given)
        for name, value in made.items():
            if name not in given:
                plain = name == "image" or name not in task.fields
                rows[name] = (quantise(value) if plain else task.fields[name].rows(value))[0]
        for name, values in rows.items():
            parts.setdefault(name, []).append(to_host(values.detach())[:count])
    columns: dict[str, Any] = {name: np.concatenate(each) for name, each in parts.items()}
    images = columns.pop("image")
    for name, values in columns.items():
        field = task.fields.get(name)
        if isinstance(field, Text):
            columns[name] = [field.single.text(row) for row in values]
    if task.stratum is not None:
        columns[LABEL] = [plan.classes[label] for label in strata]
    return Samples(images, columns)
