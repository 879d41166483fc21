"""Networks that read a given field off images: trained on real rows, kept in the bundle.

A kind of field that can be read has one class of network (:data:`READS`), a :class:`FieldReader`.
Training, calibration, agreement and the bundle go by that contract and know no kind by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from synthgen.features.classifier import LabelClassifier
from synthgen.spec.fields import Field
from synthgen.spec.image import ImageSpec

READS: Mapping[str, str] = {
    "attributes": "synthgen.features.attribute_reader:AttributeReader",
    "keypoints": "synthgen.features.joint_reader:JointReader",
    "mask": "synthgen.features.segmenter:Segmenter",
}
"""Kind of field to the class that reads it, as ``module:name``: loaded when it is needed."""


class FieldReader(nn.Module, ABC):
    """Images to what they show of one field.

    Its parameters and buffers are kept in half precision, and its :meth:`config` as JSON.
    """

    placed: ClassVar[bool] = False
    """Whether the field has places in the image: rows are then moved and mirrored with it."""
    most_held: ClassVar[int] = 8192
    """Held-out rows that it is calibrated and measured on, at most; outputs of so many are in
    memory."""

    measure: ClassVar[str] = ""
    """What :meth:`by_part` measures, by its usual name; empty: nothing."""

    field: Field

    @classmethod
    @abstractmethod
    def fresh(cls, image: ImageSpec, field: Any) -> FieldReader:
        """The network for images and a field, freshly initialised."""

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to outputs ``float32 [N, ...]``."""

    @abstractmethod
    def loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """How wrong the outputs are for the field's stored rows ``[N, ...]``, a scalar."""

    @abstractmethod
    def calibrate(self, outputs: Tensor, rows: Tensor) -> None:
        """Set what :meth:`agreements` needs by outputs and stored rows of held-out real images."""

    @abstractmethod
    def agreements(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """How far the outputs bear out each part of stored rows: ``float32 [N, K]`` in [0, 1],
        ``nan`` where a row says nothing."""

    @abstractmethod
    def read(self, outputs: Tensor) -> Tensor:
        """What the outputs say, as stored rows ``[N, ...]``."""

    @abstractmethod
    def right(self, outputs: Tensor, rows: Tensor) -> dict[str, float]:
        """How well it reads held-out real rows: figures by name, for the bundle's metrics."""

    @abstractmethod
    def told(self, right: Mapping[str, float]) -> str:
        """The figures of :meth:`right` in one line."""

    def by_part(self, said: np.ndarray, rows: np.ndarray) -> Mapping[str, tuple[int, float]]:
        """Of each named part of the field how many rows have it and how well it is read, 0 to 1, by
        what was ``said`` of images and what their ``rows`` say: stored rows ``[N, ...]``. Parts
        that no row has are left out."""
        return {}

    @property
    def seer(self) -> tuple[LabelClassifier, frozenset[str]] | None:
        """A network within whose features stand in for a label classifier's where rows have no
        label, and the names of those figures of :meth:`right` that are shares; ``None``: there is
        none."""
        return None

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """JSON from which :meth:`from_config` builds the same network, weights apart."""

    @classmethod
    @abstractmethod
    def from_config(cls, config: dict[str, Any], field: Any) -> FieldReader:
        """The network of a :meth:`config` for a field, freshly initialised.

        Raises:
            KeyError, TypeError, ValueError: it is of another field, or damaged.
        """


def reader_class(kind: str) -> type[FieldReader] | None:
    """The class that reads fields of this kind; ``None`` if none does."""
    if kind not in READS:
        return None
    module, name = READS[kind].split(":")
    found: type[FieldReader] = getattr(import_module(module), name)
    return found


def mean_known(agreements: Tensor) -> Tensor:
    """The mean ``float32 [N]`` over what is no ``nan`` in ``[N, K]``; 1 where all is."""
    return agreements.nanmean(dim=1).nan_to_num(1.0)


def temperature(logits: Tensor, target: Tensor) -> Tensor:
    """The temperature, 0.1 to 10, of least cross-entropy with probabilities or classes ``target``.

    Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    grid = torch.logspace(-1, 1, 41)
    losses = [nn.functional.cross_entropy(logits / heat, target) for heat in grid]
    return grid[int(torch.stack(losses).argmin())]
