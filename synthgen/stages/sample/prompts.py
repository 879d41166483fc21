"""Prompts that a run is given: read once, dealt to the classes, told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.data.captions import FIELD
from synthgen.data.prompts import read_prompts
from synthgen.generators.generator import Generator
from synthgen.machine.progress import say
from synthgen.sampling.cells import Cells
from synthgen.sampling.conditions import OfCells
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.task import Task
from synthgen.spec.texts import Text, words_of

SHOWN = 8
"""Unknown words that a line shows."""


def with_prompts(settings: SampleSettings) -> SampleSettings:
    """The settings with the prompts themselves in place of the name of their file, so that whoever
    makes, repairs or reproduces rows of the dataset needs no file.

    Raises:
        SynthgenError: the file cannot be read as prompts.
    """
    if not isinstance(settings.prompts, str):
        return settings
    column = settings.field.get(FIELD)
    found = read_prompts(settings.prompts, column, settings.label_column)
    say(found.line())
    return settings.model_copy(update={"prompts": found.rows})


def text_fields(task: Task, names: Sequence[str]) -> dict[str, Text]:
    """Those of the named fields that are captions."""
    found = {name: task.fields[name] for name in names}
    return {name: field for name, field in found.items() if isinstance(field, Text)}


@dataclass(frozen=True)
class Prompted:
    """Prompts by class, as a run makes images of them."""

    name: str
    """The field that they are."""
    field: Text
    by_class: Mapping[str, tuple[str, ...]]
    """Each class that has prompts, in the order of the classes."""

    def counts(self, settings: SampleSettings) -> list[int] | None:
        """Images of each of these classes; ``None`` where settings give their number by class."""
        sizes = [len(own) for own in self.by_class.values()]
        if settings.per_prompt is not None:
            return [settings.per_prompt * size for size in sizes]
        if settings.n is None:
            return None
        each, rest = divmod(settings.n, sum(sizes))
        counts, before = [], 0
        for size in sizes:
            counts.append(each * size + min(max(rest - before, 0), size))
            before += size
        return counts

    def cells(self) -> Cells:
        """Each prompt with a count of its own."""
        return Cells(tuple(self.by_class.values()))

    def condition(self) -> OfCells:
        """The prompts as conditions."""
        rows = [np.stack([self.field.read(t) for t in own]) for own in self.by_class.values()]
        return OfCells(self.name, rows)


def prompted(
    settings: SampleSettings, generator: Generator, classes: Sequence[str]
) -> Prompted | None:
    """The prompts of a run, by those of the ``classes`` that have any; ``None`` if it has none.

    Raises:
        SynthgenError: the generator is given no captions, a prompt's class is not known or not
            said, or a prompt is too long.
    """
    if settings.prompts is None:
        return None
    rows = with_prompts(settings).prompts
    assert not isinstance(rows, str) and rows is not None
    fields = text_fields(generator.task, generator.task.given)
    if len(fields) != 1:
        raise SynthgenError(
            f"--prompts: generator '{generator.name}' is given no captions, but "
            f"{name_list(generator.task.given) or 'nothing'}"
        )
    name, field = next(iter(fields.items()))
    for text, _ in rows:
        if not field.fits(text):
            raise SynthgenError(
                f"--prompts: '{text[:40]}…' has more than the {field.length} bytes that the "
                "generator reads of a caption; shorten it"
            )
    by_class: dict[str, list[str]] = {each: [] for each in classes}
    for text, kind in rows:
        by_class[_class_of(text, kind, generator, classes)].append(text)
    chosen = {each: tuple(own) for each, own in by_class.items() if own}
    return Prompted(name, field.single, chosen)


def _class_of(text: str, kind: str, generator: Generator, classes: Sequence[str]) -> str:
    """The class that the images of a prompt are counted under."""
    if len(classes) == 1 and (not kind or generator.task.stratum is None):
        return classes[0]
    if not kind:
        raise SynthgenError(
            f"--prompts: generator '{generator.name}' counts by class, and '{text[:40]}' says "
            f"none: give prompts as a table with a column 'label' ({name_list(classes)}), or one "
            "class with --classes"
        )
    if kind not in classes:
        raise SynthgenError(
            f"--prompts: class '{kind}' of '{text[:40]}' is none of those that are made "
            f"({name_list(classes)})"
        )
    return kind


def unknown_words(found: Prompted, generator: Generator) -> str | None:
    """A line on the prompts' words that no caption kept from training has; ``None`` if all have
    been seen, or no captions are kept."""
    law = generator.law
    if law is None or found.name not in law:
        return None
    captions = [found.field.text(row) for row in law[found.name].numpy()]
    seen = {word for text in captions for word in words_of(text)}
    asked = {word for own in found.by_class.values() for text in own for word in words_of(text)}
    strange = sorted(asked - seen)
    if not strange:
        return None
    return (
        f"{len(strange):,} of the prompts' {len(asked):,} words are in no caption of the training "
        f"rows ({name_list(strange, SHOWN)}): they are read by their letters alone"
    )
