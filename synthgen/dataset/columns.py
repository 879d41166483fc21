"""Which fields of a task a dataset has columns of, beside the image and its stratum's label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from synthgen.spec.fields import Field
from synthgen.spec.task import Task


@dataclass(frozen=True)
class Columns:
    """Columns after ``image`` and ``label``."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    """By name: what was given, then what else was made."""
    domain: str = ""
    """Of two kinds of image the one that ``image`` is of: a column of its own."""


def columns_of(task: Task) -> Columns:
    """The columns of datasets that are made for a task."""
    main = (task.pictured, task.stratum)
    names = [name for name in (*task.given, *task.made) if name not in main]
    kinds = task.kinds
    return Columns({name: task.fields[name] for name in names}, kinds[-1] if kinds else "")
