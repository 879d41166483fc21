"""Attributes that no rows are given for: drawn by the law of the real rows, balanced, or set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.generators.generator import Generator
from synthgen.generators.latents import uniforms
from synthgen.sampling.cells import Cells
from synthgen.sampling.conditions import Asked, Conditions, Drawn, Over, Set
from synthgen.sampling.law import Balance, Law, OfLaw, balanced, with_values
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.task import Task
from synthgen.spec.vectors import Attributes


def attributes_of(task: Task, names: Sequence[str]) -> dict[str, Attributes]:
    """Those of the named fields that are attributes."""
    found = {name: task.fields[name] for name in names}
    return {name: field for name, field in found.items() if isinstance(field, Attributes)}


def law_of(
    generator: Generator, fields: Mapping[str, Attributes], classes: Sequence[str]
) -> Law | None:
    """The rows that a bundle keeps to draw from, of these classes; ``None`` if it keeps none.

    Raises:
        SynthgenError: they are not of the generator's fields, or a class has none.
    """
    kept = generator.law
    if kept is None or not fields:
        return None
    place = {generator.classes.index(name): number for number, name in enumerate(classes)}
    try:
        columns = {name: kept[name].float().numpy() for name in fields}
        labels = kept["strata"].numpy().tolist()
        for name, values in columns.items():
            if values.shape != (len(labels), len(fields[name].names)):
                raise ValueError(name)
    except (KeyError, ValueError):
        raise SynthgenError(
            f"generator '{generator.name}': the rows that it draws conditions from are damaged; "
            "copy the bundle again"
        ) from None
    strata = np.array([place.get(int(label), -1) for label in labels], dtype=np.int64)
    law = Law(columns, strata)
    for number, name in enumerate(classes):
        if not len(law.of_class(number)):
            raise SynthgenError(
                f"generator '{generator.name}' has no real row of '{name}' to draw from; give rows "
                "with --given"
            )
    return law


def values_set(
    settings: SampleSettings, fields: Mapping[str, Attributes]
) -> dict[str, tuple[str, float]]:
    """The attributes that are set: by name their field and their value.

    Raises:
        SynthgenError: one is none of the fields', or its value is not possible.
    """
    known = {name: field for field, kind in fields.items() for name in kind.names}
    found = {}
    for name, value in settings.set.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise SynthgenError(
                f"--set {name}: the generator is given no such attribute "
                f"({name_list(known) or 'none at all'}){hint}"
            )
        if name in settings.balance:
            raise SynthgenError(f"--set {name}: is to be balanced as well; say one of them")
        field = fields[known[name]]
        try:
            number = float(field.read({name: value})[field.names.index(name)])
        except (ValueError, TypeError) as error:
            raise SynthgenError(f"--set {name}: {error}") from None
        low, high = field.ranges.get(name, (-np.inf, np.inf))
        if not low <= number <= high:
            raise SynthgenError(
                f"--set {name}={number:g}: outside of {low:g} to {high:g}, which is all that the "
                "generator has seen"
            )
        found[name] = known[name], number
    return found


@dataclass(frozen=True)
class DrawnAttributes:
    """How attributes come about where no rows are given."""

    parts: tuple[Conditions, ...]
    sets: tuple[Over, ...]
    cells: Cells | None
    """Where counts are balanced."""
    lines: tuple[str, ...]
    """What to tell of it."""


def drawn_attributes(
    settings: SampleSettings, generator: Generator, names: Sequence[str],
    classes: Sequence[str], seed: int, *, given: bool,
) -> DrawnAttributes:  # fmt: skip
    """What draws the named fields' attributes, or sets them over those of rows that are ``given``.

    Raises:
        SynthgenError: what is set or balanced is no attribute, or cannot be.
    """
    fields = attributes_of(generator.task, names)
    values = values_set(settings, fields)
    sets = tuple(Set(field, fields[field], {name: v}) for name, (field, v) in values.items())
    edited = [name for name in fields if name in generator.task.edited]
    if given and edited:
        return _asked(settings, generator, edited[0], fields, classes, seed, sets)
    if given:
        if settings.balance:
            raise SynthgenError(
                "--balance draws from the rows that the generator was trained on: leave out --given"
            )
        return DrawnAttributes((), sets, None, ())
    law = law_of(generator, fields, classes)
    if settings.balance:
        if law is None:
            raise SynthgenError(
                f"--balance: generator '{generator.name}' is given no attributes, or keeps no rows "
                "to draw them from"
            )
        found: Balance = balanced(law, fields, settings.balance, classes)
        part = OfLaw(law, found.pools, seed, uniforms)
        return DrawnAttributes((part,), sets, found.cells, tuple(found.lines()))
    if law is None:
        plain = tuple(Drawn(name, field, seed, uniforms) for name, field in fields.items())
        return DrawnAttributes(plain, sets, None, ())
    wanted = {name: value for name, (_, value) in values.items()}
    pools = [[with_values(law, law.of_class(n), fields, wanted)] for n in range(len(classes))]
    return DrawnAttributes((OfLaw(law, pools, seed, uniforms),), sets, None, ())


def _asked(
    settings: SampleSettings, generator: Generator, name: str, fields: Mapping[str, Attributes],
    classes: Sequence[str], seed: int, sets: tuple[Set, ...],
) -> DrawnAttributes:  # fmt: skip
    """What rows are asked for in place of their own: what is set or balanced, else all that some
    real row has."""
    law, field = law_of(generator, fields, classes), fields[name]
    if settings.balance:
        if law is None:
            raise SynthgenError(f"--balance: generator '{generator.name}' keeps no rows to draw by")
        found = balanced(law, fields, settings.balance, classes)
        part = OfLaw(law, found.pools, seed, uniforms)
        over = Asked(name, field, part, settings.balance)
        return DrawnAttributes((), (over, *sets), found.cells, tuple(found.lines()))
    if sets:
        return DrawnAttributes((), sets, None, ())
    drawn: Conditions = Drawn(name, field, seed, uniforms)
    if law is not None:
        drawn = OfLaw(law, [[law.of_class(n)] for n in range(len(classes))], seed, uniforms)
    line = f"asked for: {name_list(field.names, 8)}, as other real rows have them"
    return DrawnAttributes((), (Asked(name, field, drawn, field.names),), None, (line,))


def unknown_lines(
    task: Task, columns: Mapping[str, np.ndarray], asked: Sequence[str]
) -> Iterator[str]:
    """How many of the rows that are to be edited do not say what they have of an attribute that is
    ``asked`` for; of all attributes where none is named."""
    known = [each for each in task.edited if each in columns]
    for name, field in attributes_of(task, known).items():
        for place, attribute in enumerate(field.names):
            lost = int(np.isnan(columns[name][:, place]).sum())
            if lost and (attribute in asked or not asked):
                yield (
                    f"{lost:,} of {len(columns[name]):,} given rows do not say their "
                    f"'{attribute}': they are edited all the same, and their "
                    f"{task.edited[name]} is empty there"
                )
