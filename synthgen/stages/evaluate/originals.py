"""The originals of images that were made from what was derived of them: a small image's large one.

The manifest says of which rows a dataset was made, and a row's numbers say which of them it was
given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from synthgen.data.records import Records
from synthgen.dataset.codecs.registry import codec_of
from synthgen.dataset.manifest import Provenance
from synthgen.evaluation.restoration import Restoration, Totals
from synthgen.generators.generator import Generator
from synthgen.machine.progress import say
from synthgen.sampling.source_rows import SourceRows
from synthgen.spec.derivations import find_derivation, restorable
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.task import Task
from synthgen.stages.finished.dataset import TOGETHER, Dataset
from synthgen.stages.finished.images import stored_image
from synthgen.stages.judging.training_rows import training_rows
from synthgen.stages.sample.conditions import load_sources


@dataclass(frozen=True)
class Given:
    """The rows that a part of a dataset was made of."""

    data: Records
    dealt: SourceRows
    held: np.ndarray
    """``bool [N]``: rows that training held out."""
    trained: np.ndarray
    """``bool [N]``: rows that it showed."""


@dataclass(frozen=True)
class _Chunk:
    """Rows of a dataset beside their originals."""

    originals: Tensor
    made: Tensor
    cells: dict[str, Tensor]
    """What was given, by field."""
    held: np.ndarray
    trained: np.ndarray

    def of(self, chosen: np.ndarray) -> _Chunk:
        rows = torch.from_numpy(np.flatnonzero(chosen))
        cells = {name: values[rows] for name, values in self.cells.items()}
        return _Chunk(
            self.originals[rows], self.made[rows], cells, self.held[chosen], self.trained[chosen]
        )


def restorations(
    dataset: Dataset, generator: Generator | None, most: int
) -> tuple[Restoration, ...]:
    """How near at most ``most`` images of the dataset are to their originals; empty where images
    have none, or where these are not to be had, which is said."""
    if generator is None or not restorable(generator.task):
        return ()
    try:
        chunks = list(_chunks(dataset, generator, most))
    except SynthgenError as error:
        say(f"images are not compared with their originals: {error}")
        return ()
    return _compared(dataset, generator.task, chunks)


def _compared(
    dataset: Dataset, task: Task, chunks: list[tuple[str, _Chunk]]
) -> tuple[Restoration, ...]:
    """The figures of each field, by images whose originals the generator has not seen, if any."""
    fair = any((~chunk.trained).any() for _, chunk in chunks)
    chosen = [(name, chunk.of(~chunk.trained) if fair else chunk) for name, chunk in chunks]
    source = next(iter(dict.fromkeys(name for name, _ in chosen)))
    found = []
    for name in restorable(task):
        derived = task.derived[name]
        derivation = find_derivation(derived.by)
        within = "" if derivation.within is None else derived.of[derivation.within]
        totals = Totals()
        for _, chunk in chosen:
            if len(chunk.made):
                totals.add(
                    dataset.image, (chunk.originals, chunk.made), derivation.baselines,
                    (chunk.cells[name], [chunk.cells.get(other) for other in derived.of]),
                    chunk.cells[within] if within else None,
                )  # fmt: skip
        if not totals.images:
            continue
        own, *others = totals.means()
        held = sum(int(chunk.held.sum()) for _, chunk in chosen)
        trained = sum(int(chunk.trained.sum()) for _, chunk in chosen)
        found.append(
            Restoration(name, within, source, totals.images, held, trained, own, tuple(others))
        )
    return tuple(found)


def _chunks(dataset: Dataset, generator: Generator, most: int) -> Iterator[tuple[str, _Chunk]]:
    """Rows beside their originals, each time with the name of the originals' data."""
    task = generator.task
    columns = [name for name in task.given if name in dataset.manifest.columns.fields]
    wanted = ["image", "generator_class", "shard", "candidate", *columns]
    known: dict[str, Given] = {}
    for shard, table in dataset.tables(most, wanted):
        part = dataset.manifest.made_of(shard)
        key = json.dumps([part.plan_hash, part.settings.source], sort_keys=True, default=str)
        if key not in known:
            known[key] = given_rows(dataset, generator, part)
        for start in range(0, len(table), TOGETHER):
            rows = table.slice(start, TOGETHER)
            yield known[key].data.name, _chunk(dataset, task, columns, rows, known[key], part)


def _chunk(
    dataset: Dataset, task: Task, columns: list[str], rows: pa.Table, given: Given,
    part: Provenance,
) -> _Chunk:  # fmt: skip
    places = places_of(rows, given, part)
    cells = {
        name: torch.from_numpy(codec_of(task.fields[name]).decode(rows.column(name).to_pylist()))
        for name in columns
    }
    encoded = rows.column("image").to_pylist()
    made = [stored_image(dataset.layout.data, cell["bytes"], dataset.image) for cell in encoded]
    images = given.data.columns[task.pictured]
    originals = np.stack([images[place] for place in places])
    return _Chunk(
        torch.from_numpy(originals), torch.from_numpy(np.stack(made)), cells,
        given.held[places], given.trained[places],
    )  # fmt: skip


def places_of(rows: pa.Table, given: Given, part: Provenance) -> np.ndarray:
    """Which given row each row of a part was made of, ``int64 [N]``."""
    keys = [part.class_keys[name] for name in part.plan.classes]
    strata = [keys.index(key) for key in rows.column("generator_class").to_pylist()]
    # Rows of one shard of the dataset may be of several shards of the run that made them.
    shards = rows.column("shard").to_pylist()
    candidates = rows.column("candidate").to_pylist()
    numbers = zip(shards, strata, candidates, strict=True)
    return np.array([int(given.dealt.rows(s, [k], [c])[0]) for s, k, c in numbers])


def given_rows(
    dataset: Dataset, generator: Generator, part: Provenance, further: Sequence[str] = ()
) -> Given:
    """The rows that a part was made of, with ``further`` fields of theirs.

    Raises:
        SynthgenError: they are not to be had, or have changed.
    """
    settings = SampleSettings.parse({**part.settings.source, "n": 1, "carry": False})
    data = load_sources(settings, generator, part.plan.classes)
    if data is None or data.fingerprint != part.settings.source_fingerprint:
        raise SynthgenError(
            f"{settings.source}: is not what {dataset.layout.root} was made of, or has changed"
        )
    if further and not set(further) <= set(data.columns):
        data = load_sources(settings, generator, part.plan.classes, further)
        assert data is not None
    held, trained = np.zeros((2, len(data.strata)), dtype=bool)
    training = part.generator.trained
    rows = training_rows(training, data)
    if rows is not None:
        trained[rows[0]], held[rows[1]] = True, True
    elif data.fingerprint == training.data_fingerprint:
        trained[:] = True
    dealt = SourceRows(data.strata, part.plan, again=settings.given_again)
    return Given(data, dealt, held, trained)
