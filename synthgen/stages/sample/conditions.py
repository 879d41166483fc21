"""What a generator is given: the conditions that a run's settings come to, and their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from synthgen.data.records import Records, load_records
from synthgen.generators.generator import Generator
from synthgen.generators.latents import uniforms
from synthgen.sampling.conditions import AllOf, Conditions, Drawn, Numbers, OfRows, OfStratum, Set
from synthgen.sampling.source_rows import SourceRows
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.task import Task
from synthgen.spec.vectors import Attributes


def row_fields(task: Task) -> tuple[str, ...]:
    """The fields that real rows must have, or that must be drawn or set: what is given beside the
    class, and in place of what is derived the fields that it is derived from."""
    found: list[str] = []
    for name in task.given:
        derived = task.derived.get(name)
        wanted = [name] if derived is None else derived.of
        found += [one for one in wanted if one not in task.derived and one != task.stratum]
    return tuple(dict.fromkeys(found))


def load_sources(
    settings: SampleSettings, generator: Generator, classes: Sequence[str]
) -> Records | None:
    """The rows that a run is given, as the generator takes them; ``None`` if it needs none.

    Raises:
        SynthgenError: they are needed and not given, or given and not needed, or lack a class.
    """
    task, name = generator.task, generator.name
    needed = row_fields(task)
    if not needed:
        if settings.source is not None:
            raise SynthgenError(f"generator '{name}' makes images from noise; leave out --source")
        return None
    drawn = all(isinstance(task.fields[field], Attributes) for field in needed)
    if settings.source is None:
        if drawn:
            return None
        if generator.domains:
            source, target = generator.domains
            raise SynthgenError(
                f"generator '{name}' translates images of '{source}' into images of '{target}': "
                "give the images to translate with --source"
            )
        raise SynthgenError(
            f"generator '{name}' makes images from {name_list(task.given)}: give rows that have "
            f"{name_list(needed)} with --given"
        )
    wanted = {
        "data": settings.source,
        "split": settings.source_split,
        "domain": settings.source_domain,
        "domain_column": settings.source_domain_column,
        "classes": tuple(classes) if task.stratum is not None else None,
        **generator.image.as_settings(),
        "min_per_class": 1,
    }
    fields = {field: task.fields[field] for field in needed}
    labelled = task.stratum is not None
    # Datasets of two kinds of image have columns of their own, and no others.
    carry = settings.carry and not task.kinds
    asked = DataSettings.parse(wanted)
    return load_records(asked, fields, settings.field, labelled=labelled, carry=carry)


def conditions_of(
    settings: SampleSettings, task: Task, data: Records | None, plan: Plan
) -> Conditions:
    """The conditions of a run.

    Raises:
        SynthgenError: an attribute that is set is none, or a class has too few rows.
    """
    needed = row_fields(task)
    if not needed and not settings.set:
        return OfStratum()
    again = settings.given_again
    parts: list[Conditions] = []
    if data is not None:
        dealt = SourceRows(data.strata, plan, again=again)
        parts.append(OfRows({name: data.columns[name] for name in needed}, dealt, again=again))
    vectors = {n: f for n in needed if isinstance(f := task.fields[n], Attributes)}
    if data is None:
        parts += [Drawn(n, field, plan.seed, uniforms) for n, field in vectors.items()]
    sets = []
    known = {name: field for field, kind in vectors.items() for name in kind.names}
    for name, value in settings.set.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise SynthgenError(
                f"--set {name}: the generator is given no such attribute "
                f"({name_list(known) or 'none at all'}){hint}"
            )
        field = vectors[known[name]]
        try:
            row = field.read({name: value})
        except ValueError as error:
            raise SynthgenError(f"--set {name}: {error}") from None
        number = float(row[field.names.index(name)])
        sets.append(Set(known[name], field, {name: number}))
    return AllOf(task, parts, plan.seed, uniforms, sets)


@dataclass(frozen=True)
class Along:
    """Cells of the given rows that travel along with what is made of them."""

    cells: Mapping[str, Sequence[Any]]
    """By the column's name in the dataset, for each given row."""
    dealt: SourceRows | None
    """Which row a candidate is given; ``None`` where no cells travel along."""

    def at(self, strata: np.ndarray, shard: int, candidates: np.ndarray) -> dict[str, list[Any]]:
        """Cells by column for candidates ``int64 [N]`` of one shard; ``strata int64 [N]`` are
        positions in the plan's classes."""
        if self.dealt is None:
            return {}
        rows = self.dealt.rows(shard, strata.tolist(), candidates.tolist()).tolist()
        return {name: [cells[row] for row in rows] for name, cells in self.cells.items()}


@dataclass(frozen=True)
class Conditioned:
    """A generator with its conditions: gives candidates as a generator alone does."""

    generator: Generator
    conditions: Conditions
    class_keys: tuple[int, ...]
    rows: Mapping[str, Tensor] | None = None
    """The stored rows of the batch that is drawn; ``None`` looks them up by its numbers."""

    def available(self, shard: ShardPlan) -> list[int] | None:
        """Candidates that there are of each class; ``None`` where they do not end."""
        return self.conditions.available(shard)

    def given(self, keys: np.ndarray, shard: int, candidates: np.ndarray) -> dict[str, Tensor]:
        """Stored rows for candidates of one shard, ``keys`` the generator's classes."""
        if isinstance(self.conditions, OfStratum):
            return {}
        places = {key: place for place, key in enumerate(self.class_keys)}
        strata = np.array([places[key] for key in keys.tolist()], dtype=np.int64)
        return self.conditions.at(Numbers(strata, np.full_like(candidates, shard), candidates))

    def with_rows(self, rows: Mapping[str, Tensor]) -> Conditioned:
        """The generator under these conditions, with ``rows`` as the stored rows of its batch."""
        return Conditioned(self.generator, self.conditions, self.class_keys, rows)

    def candidates(
        self,
        labels: np.ndarray,
        shards: np.ndarray,
        candidates: np.ndarray,
        *,
        seed: int,
        latent_std: float = 1.0,
        truncation: float | None = None,
    ) -> dict[str, Tensor]:
        """See :meth:`Generator.candidates`; all candidates are of one shard."""
        rows = self.rows
        if rows is None:
            rows = self.given(labels, int(shards[0]), candidates)
        fields = self.generator.task.fields
        draw = partial(self.generator.candidates, seed=seed, latent_std=latent_std)
        given = {name: fields[name].tensor(values) for name, values in rows.items()}
        return draw(labels, shards, candidates, truncation=truncation, given=given)
