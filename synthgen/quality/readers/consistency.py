"""Derived fields are their own reader: derive again from what was made, and compare."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from synthgen.spec.derivations import OWN, find_derivation
from synthgen.spec.task import Task


class Consistency:
    """How near a field that is derived again from a made image is to the one that was given.

    1 is equal. Of bytes it is one less the mean difference of values as a share of 255; of a mask
    the share of places with the same class. A derivation may say otherwise how its rows agree.
    """

    def __init__(self, task: Task, name: str) -> None:
        """``name`` is a derived field that is given and that depends on what is made."""
        self._field = task.fields[name]
        self._name = name
        self._derived = task.derived[name]
        derivation = find_derivation(self._derived.by)
        self._compute, self._agree = derivation.compute, derivation.agree

    @staticmethod
    def reads(task: Task, name: str) -> bool:
        """Whether a given field can be checked so: derived, of something made, with no chance."""
        derived = task.derived.get(name)
        if derived is None or derived.by == OWN or not set(derived.of) & set(task.made):
            return False
        return find_derivation(derived.by).draws == 0

    def agreement(self, made: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Tensor:
        """``float32 [N]`` in [0, 1] from stored rows by field."""
        known = {**given, **made}
        wanted = given[self._name].to(next(iter(made.values())).device)
        of = [known[source].to(wanted.device) for source in self._derived.of]
        draws = torch.zeros(len(wanted), 0, device=wanted.device)
        again = self._compute(self._field, of, draws, self._derived.options)
        if self._agree is not None:
            return self._agree(again, wanted)
        if self._field.kind == "mask":
            return (again == wanted).flatten(1).float().mean(dim=1)
        wrong = (again.float() - wanted.float()).abs().flatten(1).mean(dim=1)
        return 1 - wrong / 255
