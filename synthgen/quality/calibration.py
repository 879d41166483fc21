"""What the scores of real images look like: the source of every threshold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthgen.data.splits import Labelled
from synthgen.features.fingerprint import fingerprints, nearest, reach_of
from synthgen.quality.copies import moved, recompressed
from synthgen.quality.reference import Reference
from synthgen.quality.scores import Score, Scorer
from synthgen.spec.columns import TRAIN_ROW

BATCH = 256

LEVELS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5,
          0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)  # fmt: skip
"""Quantiles that are kept; others are interpolated."""


@dataclass(frozen=True)
class Calibration:
    """Quantiles of every score on held-out real images: of each class and, last, of all."""

    classes: tuple[str, ...]
    quantiles: dict[str, np.ndarray]
    """Score name to ``float64 [K + 1, len(LEVELS)]``."""
    counts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Score name to the images of each class and, last, of all that it was measured on."""

    def quantile(self, score: str, level: float, label: int | None = None) -> float:
        """The score's quantile at ``level`` in [0, 1], of one class or (``None``) of all images.

        Raises:
            KeyError: the score was not calibrated.
        """
        row = self.quantiles[score][-1 if label is None else label]
        return float(np.interp(level, LEVELS, row))

    def with_quantiles_of(self, other: Calibration) -> Calibration:
        """This calibration with the quantiles of ``other`` for every score that ``other`` has."""
        return Calibration(
            self.classes,
            {**self.quantiles, **other.quantiles},
            {**self.counts, **other.counts},
        )

    def only(self, names: Collection[str]) -> Calibration:
        """This calibration with those of its scores alone that are among ``names``."""
        return Calibration(
            self.classes,
            {name: own for name, own in self.quantiles.items() if name in names},
            {name: own for name, own in self.counts.items() if name in names},
        )

    def to_json(self) -> dict[str, Any]:
        rounded = {
            k: [[float(f"{x:.6g}") for x in r] for r in v] for k, v in self.quantiles.items()
        }
        return {
            "classes": list(self.classes),
            "levels": list(LEVELS),
            "quantiles": rounded,
            "counts": {name: list(count) for name, count in self.counts.items()},
        }

    @staticmethod
    def from_json(record: dict[str, Any]) -> Calibration:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: the record is of other levels or has the wrong shape.
        """
        classes = tuple(record["classes"])
        quantiles = {k: np.asarray(v, dtype=np.float64) for k, v in record["quantiles"].items()}
        shape = (len(classes) + 1, len(LEVELS))
        if tuple(record["levels"]) != LEVELS or any(q.shape != shape for q in quantiles.values()):
            raise ValueError("calibration has other quantiles than this version reads")
        counts = {name: tuple(count) for name, count in record.get("counts", {}).items()}
        return Calibration(classes, quantiles, counts)


def calibrate(
    scorer: Scorer,
    images: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    batch_size: int,
    device: torch.device,
) -> Calibration:
    """Score held-out real images ``uint8 [N, H, W, C]`` with labels ``int64 [N]``.

    A class without a held-out image takes the quantiles of all images.
    """
    parts: list[dict[str, np.ndarray]] = []
    names = [name for name in scorer.names if name != TRAIN_ROW]
    for start in range(0, len(images), batch_size):
        pixels = torch.from_numpy(images[start : start + batch_size]).to(device)
        own = torch.from_numpy(labels[start : start + batch_size]).to(device)
        parts.append({name: value.cpu().numpy() for name, value in scorer(pixels, own).items()})
    measured = {name: np.concatenate([part[name] for part in parts]) for name in names}
    return _calibration(measured, labels, classes)


def calibrate_score(
    name: str, score: Score, held: Labelled, classes: tuple[str, ...], device: torch.device
) -> Calibration:
    """One score of held-out real images by itself; classes as in :func:`calibrate`."""
    parts = []
    for start in range(0, len(held.labels), BATCH):
        pixels = torch.from_numpy(held.images[start : start + BATCH]).to(device)
        own = torch.from_numpy(held.labels[start : start + BATCH]).to(device)
        parts.append(score(pixels, own).cpu().numpy())
    return _calibration({name: np.concatenate(parts)}, held.labels, classes)


def calibrated_on(
    measured: Mapping[str, np.ndarray], labels: np.ndarray, classes: tuple[str, ...]
) -> Calibration:
    """Quantiles of scores ``[N]`` by name that were measured already, of held-out real images with
    labels ``int64 [N]``; classes as in :func:`calibrate`."""
    return _calibration(measured, labels, classes)


def _calibration(
    measured: Mapping[str, np.ndarray], labels: np.ndarray, classes: tuple[str, ...]
) -> Calibration:
    """Of values ``[N]`` by name.

    A class without an image takes the quantiles of all.
    """
    quantiles: dict[str, np.ndarray] = {}
    for name, raw in measured.items():
        values = raw.astype(np.float64)
        every = np.quantile(values, LEVELS)
        rows = [
            np.quantile(values[labels == k], LEVELS) if (labels == k).any() else every
            for k in range(len(classes))
        ]
        quantiles[name] = np.stack([*rows, every])
    counts = (*np.bincount(labels, minlength=len(classes)).tolist(), len(labels))
    return Calibration(classes, quantiles, dict.fromkeys(quantiles, counts))


@torch.inference_mode()
def calibrate_repeats(
    scorer: Scorer,
    reference: Reference,
    training: Labelled,
    held: Labelled,
    classes: tuple[str, ...],
    device: torch.device,
) -> Calibration:
    """How near two real images of a class come to each other, and how near copies come.

    ``neighbour_distance``: from a held-out image, moved or not, to the nearest training image;
    ``copy_distance``: from a moved or recompressed copy to its original. Both on fingerprints and,
    where the scorer has a classifier, on embeddings (``embedding_…``).

    Args:
        scorer: the bundle's, with its classifier and ``reference``.
        training: the training images whose embeddings are compared with.
        held: held-out real images.
    """
    reach = reach_of(*held.images.shape[1:3])
    rng = np.random.default_rng(0)
    half = len(held.images) // 2
    copies = np.concatenate(
        [moved(held.images[:half], rng, reach), recompressed(held.images[half:], rng)]
    )

    def prints(batch: Tensor) -> Tensor:
        return fingerprints(batch, reach)

    measured: dict[str, np.ndarray] = {}
    asked = _each(prints, held.images, device)
    labels = torch.from_numpy(held.labels).to(device)
    parts = [
        reference.nearest_training(asked[at : at + BATCH], labels[at : at + BATCH])[0]
        for at in range(0, len(asked), BATCH)
    ]
    measured["neighbour_distance"] = torch.cat(parts).cpu().numpy()
    own = asked[:, asked.shape[1] // 2]
    measured["copy_distance"] = _apart(_each(prints, copies, device), own)
    if "label_agreement" in scorer.names:
        codes = _each(scorer.embedding, held.images, device)
        known = _each(scorer.embedding, training.images, device)
        near = np.full(len(codes), np.inf)
        for label in np.unique(held.labels).tolist():
            mine = np.flatnonzero(held.labels == label)
            others = known[torch.from_numpy(np.flatnonzero(training.labels == label)).to(device)]
            near[mine] = nearest(codes[torch.from_numpy(mine)][:, None], others)[0].cpu().numpy()
        measured["embedding_neighbour_distance"] = near
        copied = _each(scorer.embedding, copies, device)
        measured["embedding_copy_distance"] = _apart(copied[:, None], codes)
    # A class that was held out but not trained on has no nearest image, and no say.
    finite = {name: np.nan_to_num(values, posinf=0.0) for name, values in measured.items()}
    return _calibration(finite, held.labels, classes)


def _each(code: Callable[[Tensor], Tensor], images: np.ndarray, device: torch.device) -> Tensor:
    return torch.cat(
        [
            code(torch.from_numpy(images[at : at + BATCH]).to(device))
            for at in range(0, len(images), BATCH)
        ]
    )


def _apart(asked: Tensor, own: Tensor) -> np.ndarray:
    """Distance of each row ``int8 [N, S, 32]`` to its own other ``int8 [N, 32]``."""
    found: np.ndarray = (
        torch.cat([nearest(asked[i : i + 1], own[i : i + 1])[0] for i in range(len(own))])
        .cpu()
        .numpy()
    )
    return found
