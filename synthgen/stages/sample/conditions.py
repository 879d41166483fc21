"""What a generator is given: the conditions that a run's settings come to, and their rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from synthgen.data.attributes import FIELD
from synthgen.data.records import Records, load_records
from synthgen.data.unpaired import one_of_two
from synthgen.data.views import known_view
from synthgen.generators.generator import Generator
from synthgen.generators.latents import uniforms
from synthgen.sampling.cells import Cells
from synthgen.sampling.conditions import AllOf, Conditions, Numbers, OfRows, OfStratum
from synthgen.sampling.source_rows import SourceRows
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.fields import Field, Image
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.task import Task
from synthgen.spec.texts import Text
from synthgen.spec.vectors import Attributes
from synthgen.stages.sample.drawn import drawn_conditions


def row_fields(task: Task, named: Collection[str] = ()) -> tuple[str, ...]:
    """The fields that real rows must have, or that must be drawn or set: what is given beside the
    class, and in place of what is derived the fields that it is derived from, unless the user has
    ``named`` a column of it."""
    found: list[str] = []
    for name in task.given:
        derived = None if name in named else task.derived.get(name)
        wanted = [name] if derived is None else derived.of
        apart = {*task.derived, task.stratum} - set(named)
        found += [one for one in wanted if one not in apart]
    return tuple(dict.fromkeys(found))


def load_sources(
    settings: SampleSettings,
    generator: Generator,
    classes: Sequence[str],
    further: Sequence[str] = (),
) -> Records | None:
    """The rows that a run is given, as the generator takes them, with ``further`` fields of theirs;
    ``None`` if it needs none.

    Raises:
        SynthgenError: they are needed and not given, or given and not needed, or lack a class.
    """
    task, name = generator.task, generator.name
    needed = row_fields(task, settings.field)
    if not needed:
        if settings.source is not None:
            raise SynthgenError(f"generator '{name}' makes images from noise; leave out --source")
        return None
    drawn = all(isinstance(task.fields[field], Attributes | Text) for field in needed)
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
        "structure": settings.structure,
        "image_column": settings.image_column,
        "label_column": settings.label_column,
        "mask_names": settings.mask_names,
        "domain": settings.source_domain,
        "domain_column": settings.source_domain_column,
        "classes": tuple(classes) if task.stratum is not None else None,
        **generator.image.as_settings(),
        "min_per_class": 1,
    }
    fields = {field: task.fields[field] for field in (*needed, *further)}
    some = FIELD in task.edited
    shown = next((field for field in fields.values() if isinstance(field, Image)), None)
    wanted |= {} if shown is None else shown.as_settings()
    labelled = task.stratum is not None
    asked = DataSettings.parse(wanted)
    if set(needed) == set(task.beside):
        asked = one_of_two(asked, made=False)
    return _read(asked, fields, settings, labelled=labelled, carry=settings.carry, some=some)


def _read(
    asked: DataSettings, fields: Mapping[str, Field], settings: SampleSettings, *, labelled: bool,
    carry: bool, some: bool,
) -> Records:  # fmt: skip
    """The rows; attributes, joints and captions out of whatever columns have them, with ``some``
    those attributes that there are."""
    view, columns, wanted = known_view(fields, asked, settings.field, some=some)
    data = load_records(asked, wanted, columns, labelled=labelled, view=view, carry=carry)
    known = fields.get(FIELD)
    for place, name in enumerate(known.names if isinstance(known, Attributes) else ()):
        assert isinstance(known, Attributes)
        low, high = known.ranges.get(name, (-np.inf, np.inf))
        own = data.columns[FIELD][:, place]
        if ((own < low) | (own > high)).any():
            strange = own[(own < low) | (own > high)][0]
            raise SynthgenError(
                f"{data.name}: attribute '{name}' is {strange:g} in a row, outside of {low:g} to "
                f"{high:g}, which is all that the generator has seen; leave such rows out"
            )
    return data


def conditions_of(
    settings: SampleSettings, generator: Generator, data: Records | None, plan: Plan
) -> tuple[Conditions, Cells]:
    """The conditions of a run, and the cells that have counts of their own.

    Raises:
        SynthgenError: an attribute that is set or balanced is none, or a class has too few rows.
    """
    task, whole = generator.task, Cells.whole(plan.classes)
    needed = row_fields(task, settings.field)
    if not needed and not settings.set and not settings.balance and settings.prompts is None:
        return OfStratum(), whole
    again = settings.given_again
    parts: list[Conditions] = []
    if data is not None:
        dealt = SourceRows(data.strata, plan, again=again)
        parts.append(OfRows({name: data.columns[name] for name in needed}, dealt, again=again))
    drawn = drawn_conditions(
        settings, generator, needed, plan.classes, plan.seed, given=data is not None
    )
    found = AllOf(task, [*parts, *drawn.parts], plan.seed, uniforms, drawn.sets)
    return found, drawn.cells or whole


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
    cells: Cells
    """Parts of the classes that have counts of their own."""
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
        return replace(self, rows=rows)

    def candidates(
        self, labels: np.ndarray, shards: np.ndarray, candidates: np.ndarray, *,
        seed: int, latent_std: float = 1.0, truncation: float | None = None,
    ) -> dict[str, Tensor]:  # fmt: skip
        """See :meth:`Generator.candidates`; all candidates are of one shard."""
        rows = self.rows
        if rows is None:
            rows = self.given(labels, int(shards[0]), candidates)
        fields = self.generator.task.fields
        draw = partial(self.generator.candidates, seed=seed, latent_std=latent_std)
        given = {name: fields[name].tensor(values) for name, values in rows.items()}
        return draw(labels, shards, candidates, truncation=truncation, given=given)
