"""Which fields of a task a dataset has columns of, beside the image and its stratum's label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from synthgen.spec.carried import CarriedColumn
from synthgen.spec.fields import Field
from synthgen.spec.soft_labels import SOFT_LABEL, SoftLabels
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
    soft: SoftLabels | None = None
    """What the column :data:`SOFT_LABEL` is, where there is one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns whose cells differ from row to row: of fields, those that travel along, soft
        labels."""
        return (*self.fields, *self.carried, *([] if self.soft is None else [SOFT_LABEL]))


def columns_of(
    task: Task,
    carried: Mapping[str, CarriedColumn] = NOTHING,
    soft: SoftLabels | None = None,
) -> Columns:
    """The columns of datasets that are made for a task, with those that travel along and soft
    labels."""
    main = (task.pictured, task.stratum)
    names = [name for name in (*task.given, *task.made) if name not in main]
    kinds = task.kinds
    fields = {name: task.fields[name] for name in names}
    return Columns(fields, kinds[-1] if kinds else "", carried, soft)
