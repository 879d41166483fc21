"""What a bundle keeps of the real images, so that candidates can be compared with them.

``reference.safetensors``: a fingerprint and the row of each training image (65,536 at most, spread
evenly), to find images that the generator has memorised, and the label classifier's features of
2,048 of them, to tell how real a candidate looks. A fingerprint is a blurred thumbnail of its
image, so a bundle whose training images are nobody's business is made without a reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from synthgen.data.splits import evenly
from synthgen.features.fingerprint import SIZE, comparable, fingerprints, nearest
from synthgen.features.neighbours import radii
from synthgen.spec.errors import SynthgenError

MOST_TRAINING = 65_536
MOST_FEATURES = 2_048
NEIGHBOURS = 5
EMBEDDING = 32
BATCH = 256


@dataclass(frozen=True)
class Reference:
    """Training images as they are compared with, sorted by label and then by row."""

    fingerprints: Tensor
    """``int8 [T, 32]``."""
    labels: Tensor
    """``int16 [T]``: the generator's class indices."""
    rows: Tensor
    """``int32 [T]``: row of the image in the real data as it was read for training."""
    features: Tensor
    """``float32 [R, F]``: of the bundle's label classifier."""
    radii: Tensor
    """``float32 [R]``: distance of each to its fifth nearest among them."""
    axes: Tensor
    """``float32 [F + 1, 32]``: features and a one to the numbers of an embedding."""

    def to_tensors(self) -> dict[str, Tensor]:
        """Tensors by name, as saved: labels as counts of each class, features in float16."""
        return {
            "fingerprints": self.fingerprints,
            "counts": torch.bincount(self.labels.long()).int(),
            "rows": self.rows,
            "features": self.features.half(),
            "radii": self.radii,
            "axes": self.axes,
        }

    @staticmethod
    def from_tensors(tensors: Mapping[str, Tensor], device: torch.device) -> Reference:
        """Read what :meth:`to_tensors` gave.

        Raises:
            SynthgenError: a tensor is missing or its shape does not fit the others.
        """
        try:
            counts = tensors["counts"].flatten().long().clamp(min=0)
            if len(counts) > 2**15 or int(counts.sum()) != len(tensors["fingerprints"]):
                counts = counts[:0]
            labels = torch.repeat_interleave(torch.arange(len(counts)), counts)
            found = Reference(
                tensors["fingerprints"].to(device, torch.int8),
                labels.to(device, torch.int16),
                tensors["rows"].to(device, torch.int32),
                tensors["features"].to(device, torch.float32),
                tensors["radii"].to(device, torch.float32),
                tensors["axes"].to(device, torch.float32),
            )
        except KeyError as error:
            raise SynthgenError(
                f"the bundle's reference lacks tensor {error}; make it again"
            ) from None
        count, width = len(found.labels), found.features.shape[-1]
        fits = (
            found.fingerprints.shape == (count, SIZE)
            and found.rows.shape == (count,)
            and found.radii.shape == found.features.shape[:1]
            and found.axes.shape == (width + 1, EMBEDDING)
        )
        if not fits:
            raise SynthgenError(
                "the tensors of the bundle's reference do not fit each other; make it again with "
                "synthgen calibrate"
            )
        return found

    def nearest_training(self, asked: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest training image of each one's class: distance and row in the real data.

        ``asked int8 [N, S, 32]`` fingerprints, ``labels int64 [N]``; ``float32 [N]`` and ``int64
        [N]``, infinite and -1 for a class without training images.
        """
        distance = torch.full((len(asked),), float("inf"), device=asked.device)
        rows = torch.full((len(asked),), -1, dtype=torch.int64, device=asked.device)
        for label in torch.unique(labels).tolist():
            first, last = self._ends[label : label + 2] if label + 1 < len(self._ends) else (0, 0)
            if first == last:
                continue
            own = torch.nonzero(labels == label).squeeze(1)
            found, where = nearest(asked[own], self._compared[first:last])
            distance[own] = found
            rows[own] = self.rows[first:last][where].long()
        return distance, rows

    def realism(self, features: Tensor) -> Tensor:
        """How deep an image lies among real ones: ``float32 [N]`` from features ``[N, F]``.

        The largest ratio of a real image's radius to the distance from it: at least 1 inside of
        one's neighbourhood. Kynkäänniemi et al. 2019, arXiv:1904.06991, equation 3, but with all
        real images in place of the half of smaller radii.
        """
        # In float64, so that the order of sums, which differs from run to run, leaves no trace.
        asked, (known, lengths, reach) = features.double(), self._exact
        squares = asked.square().sum(dim=1, keepdim=True) + lengths
        apart = (squares - 2 * (asked @ known.T)).clamp_(min=1e-12).sqrt_()
        return (reach / apart).amax(dim=1).float()

    @cached_property
    def _ends(self) -> list[int]:
        """Where the fingerprints of class k begin, and at k + 1 where they end."""
        counts = torch.bincount(self.labels.long())
        return [0, *counts.cumsum(0).tolist()]

    @cached_property
    def _compared(self) -> Tensor:
        """The fingerprints, ready to be compared with batch after batch."""
        return comparable(self.fingerprints)

    @cached_property
    def _exact(self) -> tuple[Tensor, Tensor, Tensor]:
        """Features, their squared lengths and radii in float64."""
        known = self.features.double()
        return known, known.square().sum(dim=1), self.radii.double()

    def embedding(self, features: Tensor) -> Tensor:
        """Features ``[N, F]`` to the ``int8 [N, 32]`` by which look-alikes are found."""
        flat = features.double() @ self.axes[:-1].double() + self.axes[-1].double()
        return flat.round().clamp(-127, 127).to(torch.int8)


def make_reference(
    images: np.ndarray, labels: np.ndarray, rows: np.ndarray, features: Tensor
) -> Reference:
    """The reference of training images.

    Args:
        images: all real images ``uint8 [N, H, W, C]``.
        labels: their classes ``int64 [N]``.
        rows: which of them were trained on, ``int64 [T]``.
        features: the label classifier's, ``float32 [R, F]``, of ``feature_rows(rows)``.
    """
    chosen = rows[evenly(len(rows), MOST_TRAINING)]
    chosen = chosen[np.lexsort((chosen, labels[chosen]))]
    prints = torch.cat(
        [
            fingerprints(torch.from_numpy(images[chosen[at : at + BATCH]]))[:, 0]
            for at in range(0, len(chosen), BATCH)
        ]
    )
    nth = min(NEIGHBOURS, len(features) - 1)
    reach = radii(features, nth).float() if nth > 0 else torch.zeros(len(features))
    return Reference(
        prints,
        torch.from_numpy(labels[chosen].astype(np.int16)),
        torch.from_numpy(chosen.astype(np.int32)),
        features,
        reach,
        _axes(features),
    )


def feature_rows(rows: np.ndarray) -> np.ndarray:
    """The training images whose features are kept, of ``rows``."""
    chosen: np.ndarray = rows[evenly(len(rows), MOST_FEATURES)]
    return chosen


def _axes(features: Tensor) -> Tensor:
    """Principal axes, scaled so that four standard deviations of the first fill an int8."""
    mean = features.double().mean(dim=0)
    _, spread, axes = torch.linalg.svd(features.double() - mean, full_matrices=False)
    deviation = (spread[0] / max(1, len(features)) ** 0.5).clamp(min=1e-9)
    kept = axes[:EMBEDDING].T * (127 / (4 * deviation))  # [F, up to 32]
    turned = torch.zeros(features.shape[1], EMBEDDING, dtype=torch.float64)
    turned[:, : kept.shape[1]] = kept
    return torch.cat([turned, -(mean @ turned)[None]]).float()
