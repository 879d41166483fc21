"""What is given is read off images by the network that learnt to, on real rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from synthgen.features.field_reader import FieldReader, mean_known
from synthgen.spec.image import to_float

BATCH = 256


class Reading:
    """How far an image bears out what its row says of a field: the mean over all that it says.

    1 where it says nothing. What counts is the network's: of attributes the probability of what the
    row says, a number by how likely an error of that size is on real images.
    """

    def __init__(self, reader: FieldReader, name: str, pictured: str = "image") -> None:
        """``name`` is the field's, ``pictured`` that of the image that is looked at."""
        self._reader, self._name, self._pictured = reader, name, pictured

    def agreement(self, made: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Tensor:
        """``float32 [N]`` in [0, 1] from stored rows by field."""
        rows = given[self._name]
        found, at = [], 0
        for outputs in _outputs(self._reader, made[self._pictured]):
            part = rows[at : at + len(outputs)].to(outputs.device)
            found.append(mean_known(self._reader.agreements(outputs, part)))
            at += len(outputs)
        return torch.cat(found)


def read_off(reader: FieldReader, images: Tensor) -> Tensor:
    """What images ``uint8 [N, H, W, C]`` show of the reader's field: stored rows ``[N, ...]``."""
    return torch.cat([reader.read(outputs) for outputs in _outputs(reader, images)])


def _outputs(reader: FieldReader, images: Tensor) -> Iterator[Tensor]:
    """The network's outputs batch by batch: those of places are large."""
    for at in range(0, len(images), BATCH):
        pixels = to_float(images[at : at + BATCH]).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            outputs = reader(pixels)
        yield outputs
