"""What no rows are given for: drawn by the law of the real rows, balanced, set, or of prompts."""

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
from synthgen.spec.texts import Text
from synthgen.spec.vectors import Attributes
from synthgen.stages.sample.prompts import Prompted, prompted, text_fields, unknown_words


def attributes_of(task: Task, names: Sequence[str]) -> dict[str, Attributes]:
    """Those of the named fields that are attributes."""
    found = {name: task.fields[name] for name in names}
    return {name: field for name, field in found.items() if isinstance(field, Attributes)}


def law_of(
    generator: Generator, fields: Mapping[str, Attributes | Text], classes: Sequence[str]
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
        columns = {name: kept[name].numpy() for name in fields}
        labels = kept["strata"].numpy().tolist()
        for name, field in fields.items():
            dtype, shape = field.stored()
            columns[name] = columns[name].astype(dtype)
            if columns[name].shape != (len(labels), *shape):
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
        number = _number_of(field, name, value)
        low, high = field.ranges.get(name, (-np.inf, np.inf))
        if not low <= number <= high:
            raise SynthgenError(
                f"--set {name}={number:g}: outside of {low:g} to {high:g}, which is all that the "
                "generator has seen"
            )
        found[name] = known[name], number
    return found


def _number_of(field: Attributes, name: str, value: object) -> float:
    """What a value that is set is stored as.

    Raises:
        SynthgenError: it is none of the attribute's.
    """
    try:
        number = float(field.read({name: value})[field.names.index(name)])
    except (ValueError, TypeError) as error:
        if name in field.choices:
            raise SynthgenError(f"--set {name}: {error}") from None
        number = float("nan")
    if number != number:  # an empty text is not known, which nothing can be set to
        low, high = field.ranges.get(name, (0.0, 0.0))
        wanted = f"a number from {low:g} to {high:g}" if name in field.ranges else "yes or no"
        raise SynthgenError(f"--set {name}: attribute '{name}' is {wanted}, not {value}")
    return number


@dataclass(frozen=True)
class DrawnConditions:
    """How attributes and captions come about where no rows are given."""

    parts: tuple[Conditions, ...]
    sets: tuple[Over, ...]
    cells: Cells | None
    """Where counts are balanced."""
    lines: tuple[str, ...]
    """What to tell of it."""


def drawn_conditions(
    settings: SampleSettings, generator: Generator, names: Sequence[str],
    classes: Sequence[str], seed: int, *, given: bool,
) -> DrawnConditions:  # fmt: skip
    """What draws the named fields' attributes and captions, or sets attributes over those of rows
    that are ``given``.

    Raises:
        SynthgenError: what is set or balanced is no attribute, or cannot be; prompts do not fit.
    """
    fields = attributes_of(generator.task, names)
    texts = {name: field.single for name, field in text_fields(generator.task, names).items()}
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
        if settings.prompts is not None:
            raise SynthgenError("--prompts are given in place of rows: leave out --given")
        return DrawnConditions((), sets, None, ())
    asked = prompted(settings, generator, classes)
    if asked is not None:
        return _of_prompts(settings, generator, asked, fields, sets, seed)
    law = law_of(generator, {**fields, **texts}, classes)
    if texts and law is None:
        raise SynthgenError(
            f"generator '{generator.name}' keeps no captions to draw from: give prompts with "
            "--prompts, or rows with --given"
        )
    if settings.balance:
        if law is None:
            raise SynthgenError(
                f"--balance: generator '{generator.name}' is given no attributes, or keeps no rows "
                "to draw them from"
            )
        found: Balance = balanced(law, fields, settings.balance, classes)
        part = OfLaw(law, found.pools, seed, uniforms)
        return DrawnConditions((part,), sets, found.cells, tuple(found.lines()))
    return DrawnConditions(_by_law(law, fields, values, len(classes), seed), sets, None, ())


def _by_law(
    law: Law | None, fields: Mapping[str, Attributes], values: Mapping[str, tuple[str, float]],
    classes: int, seed: int,
) -> tuple[Conditions, ...]:  # fmt: skip
    """Rows of the law that have the values which are set; without a law what is likely a priori."""
    if law is None:
        return tuple(Drawn(name, field, seed, uniforms) for name, field in fields.items())
    wanted = {name: value for name, (_, value) in values.items()}
    pools = [[with_values(law, law.of_class(n), fields, wanted)] for n in range(classes)]
    return (OfLaw(law, pools, seed, uniforms),)


def _of_prompts(
    settings: SampleSettings, generator: Generator, asked: Prompted,
    fields: Mapping[str, Attributes], sets: tuple[Set, ...], seed: int,
) -> DrawnConditions:  # fmt: skip
    """Prompts, each with a count of its own; attributes beside them by their law."""
    if settings.balance:
        raise SynthgenError("--balance and --prompts both say what counts go by; say one of them")
    classes = tuple(asked.by_class)
    others: tuple[Conditions, ...] = ()
    if fields:
        law = law_of(generator, fields, classes)
        others = _by_law(law, fields, values_set(settings, fields), len(classes), seed)
    strange = unknown_words(asked, generator)
    lines = () if strange is None else (strange,)
    return DrawnConditions((asked.condition(), *others), sets, asked.cells(), lines)


def _asked(
    settings: SampleSettings, generator: Generator, name: str, fields: Mapping[str, Attributes],
    classes: Sequence[str], seed: int, sets: tuple[Set, ...],
) -> DrawnConditions:  # fmt: skip
    """What rows are asked for in place of their own: what is set or balanced, else all that some
    real row has."""
    law, field = law_of(generator, fields, classes), fields[name]
    if settings.balance:
        if law is None:
            raise SynthgenError(f"--balance: generator '{generator.name}' keeps no rows to draw by")
        found = balanced(law, fields, settings.balance, classes)
        part = OfLaw(law, found.pools, seed, uniforms)
        over = Asked(name, field, part, settings.balance)
        return DrawnConditions((), (over, *sets), found.cells, tuple(found.lines()))
    if sets:
        return DrawnConditions((), sets, None, ())
    drawn: Conditions = Drawn(name, field, seed, uniforms)
    if law is not None:
        drawn = OfLaw(law, [[law.of_class(n)] for n in range(len(classes))], seed, uniforms)
    line = f"asked for: {name_list(field.names, 8)}, as other real rows have them"
    return DrawnConditions((), (Asked(name, field, drawn, field.names),), None, (line,))


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
