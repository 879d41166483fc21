"""The readers of a task, by given field.

Labels are read by the label classifier (:mod:`synthgen.quality.scores`), derived fields by
themselves, others by a network of the bundle (:mod:`synthgen.features.field_reader`); readers of
further kinds come from other packages (entry point ``synthgen.readers``: a kind of field to what
makes a :class:`Reader` of a task and a field's name).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from synthgen.features.field_reader import FieldReader
from synthgen.quality.readers.consistency import Consistency
from synthgen.quality.readers.reading import Reading
from synthgen.spec.columns import AGREEMENT, IDENTITY
from synthgen.spec.plugins import plugins
from synthgen.spec.task import Task

GROUP = "synthgen.readers"


class Reader(Protocol):
    """Reads one field off what was made."""

    def agreement(self, made: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Tensor:
        """``float32 [N]`` in [0, 1] from stored rows by field: how far they agree."""


@dataclass(frozen=True)
class Readers:
    """Readers by the field that they read."""

    by_field: Mapping[str, Reader]

    @staticmethod
    def of(
        task: Task,
        networks: Mapping[str, FieldReader] | None = None,
        identity: Callable[[str], Reader | None] = lambda name: None,
    ) -> Readers:
        """The readers that there are for a task's given fields, with those ``networks`` that a
        bundle has, by field; ``identity`` makes that of an edit's source, a field of this name.

        Raises:
            SynthgenError: one of another package cannot be loaded.
        """
        found: dict[str, Reader] = {}
        further = [n for n in task.given if n != task.stratum and not Consistency.reads(task, n)]
        known = plugins(GROUP, "reader") if further else {}
        for name in task.given:
            if name in (networks or {}):
                found[name] = Reading((networks or {})[name], name, task.pictured)
            elif name == task.edited.get(task.pictured):
                same = identity(name)
                found |= {} if same is None else {IDENTITY.removesuffix(AGREEMENT): same}
            elif Consistency.reads(task, name):
                found[name] = Consistency(task, name)
            elif name in further and task.fields[name].kind in known:
                plugin = known[task.fields[name].kind]
                make = plugin.load()
                with plugin.minding("cannot be made"):
                    found[name] = make(task, name)
        return Readers(found)

    @property
    def names(self) -> tuple[str, ...]:
        """The scores' names."""
        return tuple(f"{name}{AGREEMENT}" for name in self.by_field)

    @torch.inference_mode()
    def read(self, made: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The scores ``float32 [N]`` by name, of stored rows."""
        return {
            f"{name}{AGREEMENT}": reader.agreement(made, given).float()
            for name, reader in self.by_field.items()
        }
