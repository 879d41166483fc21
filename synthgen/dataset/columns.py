"""Which fields of a task a dataset has columns of, beside the image and its stratum's label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from synthgen.spec.carried import CarriedColumn
from synthgen.spec.fields import Field
from synthgen.spec.task import Task

NOTHING: Mapping[str, CarriedColumn] = MappingProxyType({})


@dataclass(frozen=True)
class Columns:
    """Columns after ``image`` and ``label``."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    """By name: what was given, then what else was made."""
    domain: str = ""
    """Of two kinds of image the one that ``image`` is of: a column of its own."""
    carried: Mapping[str, CarriedColumn] = field(default_factory=dict)
    """Columns of the given rows that travel along, by their names here."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns whose cells differ from row to row: of fields, then those that travel along."""
        return (*self.fields, *self.carried)


def columns_of(task: Task, carried: Mapping[str, CarriedColumn] = NOTHING) -> Columns:
    """The columns of datasets that are made for a task, with those that travel along."""
    main = (task.pictured, task.stratum)
    names = [name for name in (*task.given, *task.made) if name not in main]
    kinds = task.kinds
    fields = {name: task.fields[name] for name in names}
    return Columns(fields, kinds[-1] if kinds else "", carried)
