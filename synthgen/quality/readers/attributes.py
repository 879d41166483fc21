"""Attributes are read off images by the network that learnt to, on real rows."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from synthgen.features.attribute_reader import AttributeReader
from synthgen.spec.image import to_float

BATCH = 256


class AttributeAgreement:
    """How far an image bears out its row's attributes: the mean over those that the row knows.

    1 where it knows none. Each counts by the probability of what the row says, a number by how
    likely an error of that size is on real images.
    """

    def __init__(self, reader: AttributeReader, name: str, pictured: str = "image") -> None:
        """``name`` is the field's, ``pictured`` that of the image that is looked at."""
        self._reader, self._name, self._pictured = reader, name, pictured

    def agreement(self, made: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Tensor:
        """``float32 [N]`` in [0, 1] from stored rows by field."""
        images = made[self._pictured]
        outputs = outputs_of(self._reader, images)
        rows = given[self._name].to(outputs.device)
        return mean_known(self._reader.agreements(outputs, rows))


@torch.inference_mode()
def outputs_of(reader: AttributeReader, images: Tensor) -> Tensor:
    """What the reader says of images ``uint8 [N, H, W, C]``, ``float32 [N, entering]``."""
    parts = [
        reader(to_float(images[at : at + BATCH]).contiguous(memory_format=torch.channels_last))
        for at in range(0, len(images), BATCH)
    ]
    return torch.cat(parts)


def mean_known(agreements: Tensor) -> Tensor:
    """The mean ``float32 [N]`` over what is no ``nan`` in ``[N, K]``; 1 where all is."""
    return agreements.nanmean(dim=1).nan_to_num(1.0)
