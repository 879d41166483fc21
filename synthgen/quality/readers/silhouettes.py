"""Views are read off what was made by its silhouettes: solids must look as the views show."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from synthgen.spec.projection import foreground, overlap, silhouettes
from synthgen.spec.solids import Views, Voxels
from synthgen.spec.task import Task


class SilhouetteAgreement:
    """Intersection over union of a solid's silhouettes and of what its views show before their
    background, all views of a row together. 1 is equal."""

    def __init__(self, task: Task, name: str) -> None:
        """``name`` is the field of the views that are given."""
        field = task.fields[name]
        assert isinstance(field, Views)
        self._field, self._name = field, name
        self._solid = next(n for n in task.made if isinstance(task.fields[n], Voxels))

    @staticmethod
    def reads(task: Task, name: str) -> bool:
        """Whether a given field can be checked so: views, where solids are made."""
        made = any(isinstance(task.fields[each], Voxels) for each in task.made)
        return made and isinstance(task.fields[name], Views)

    def agreement(self, made: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Tensor:
        """``float32 [N]`` in [0, 1] from stored rows by field."""
        solids = made[self._solid]
        views = given[self._name].to(solids.device)
        size = self._field.height, self._field.width
        with torch.inference_mode():
            return overlap(silhouettes(solids, self._field.turns, *size), foreground(views))
