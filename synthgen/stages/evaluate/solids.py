"""Solids of a dataset beside the true ones that their views were of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthgen.dataset.codecs.registry import codec_of
from synthgen.evaluation.reconstruction import Overlaps, Reconstruction, most_fill
from synthgen.generators.generator import Generator
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.solids import Views, Voxels
from synthgen.stages.evaluate.originals import Given, given_rows, places_of
from synthgen.stages.finished.dataset import TOGETHER, Dataset


@dataclass(frozen=True)
class _Chunk:
    """Rows of a dataset beside the true solids."""

    made: Tensor
    true: Tensor
    views: Tensor
    held: np.ndarray
    trained: np.ndarray
    given: Given


def reconstruction(
    dataset: Dataset, generator: Generator | None, most: int
) -> Reconstruction | None:
    """How near at most ``most`` solids of the dataset are to the true ones; ``None`` where nothing
    was made of views, or where the true ones are not to be had, which is said."""
    if generator is None:
        return None
    fields = generator.task.fields
    solid = next((n for n in generator.task.made if isinstance(fields[n], Voxels)), None)
    name = next((n for n in generator.task.given if isinstance(fields[n], Views)), None)
    if solid is None or name is None:
        return None
    views = fields[name]
    assert isinstance(views, Views)
    try:
        chunks = list(_chunks(dataset, generator, most, solid, name))
    except SynthgenError as error:
        say(f"solids are not compared with true ones: {error}")
        return None
    fair = any((~chunk.trained).any() for chunk in chunks)
    first = chunks[0].given
    known = first.trained if fair else np.zeros_like(first.trained)
    mean = most_fill(torch.from_numpy(first.data.columns[solid][known])) if known.any() else None
    totals, held, trained = Overlaps(views.turns, mean), 0, 0
    for chunk in chunks:
        rows = ~chunk.trained if fair else np.ones_like(chunk.trained)
        chosen = torch.from_numpy(np.flatnonzero(rows))
        if len(chosen):
            totals.add(chunk.made[chosen], chunk.true[chosen], chunk.views[chosen])
        held, trained = held + int(chunk.held[rows].sum()), trained + int(chunk.trained[rows].sum())
    return Reconstruction(first.data.name, totals.solids, held, trained, totals.means())


def _chunks(
    dataset: Dataset, generator: Generator, most: int, solid: str, name: str
) -> Iterator[_Chunk]:
    fields = generator.task.fields
    known: dict[str, Given] = {}
    wanted = ["generator_class", "shard", "candidate", solid, name]
    for shard, table in dataset.tables(most, wanted):
        part = dataset.manifest.made_of(shard)
        key = json.dumps([part.plan_hash, part.settings.source], sort_keys=True, default=str)
        if key not in known:
            known[key] = given_rows(dataset, generator, part, (solid,))
        given = known[key]
        for start in range(0, len(table), TOGETHER):
            rows = table.slice(start, TOGETHER)
            places = places_of(rows, given, part)
            made, views = (
                torch.from_numpy(codec_of(fields[n]).decode(rows.column(n).to_pylist()))
                for n in (solid, name)
            )
            true = torch.from_numpy(given.data.columns[solid][places])
            yield _Chunk(made, true, views, given.held[places], given.trained[places], given)
