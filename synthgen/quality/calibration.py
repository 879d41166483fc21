"""What the scores of real images look like: the source of every threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from synthgen.quality.scores import Scorer

LEVELS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5,
          0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)  # fmt: skip
"""Quantiles that are kept; others are interpolated."""


@dataclass(frozen=True)
class Calibration:
    """Quantiles of every score on held-out real images: of each class and, last, of all."""

    classes: tuple[str, ...]
    quantiles: dict[str, np.ndarray]
    """Score name to ``float64 [K + 1, len(LEVELS)]``."""

    def quantile(self, score: str, level: float, label: int | None = None) -> float:
        """The score's quantile at ``level`` in [0, 1], of one class or (``None``) of all images.

        Raises:
            KeyError: the score was not calibrated.
        """
        row = self.quantiles[score][-1 if label is None else label]
        return float(np.interp(level, LEVELS, row))

    def with_quantiles_of(self, other: Calibration) -> Calibration:
        """The same, but for the scores that ``other`` has too: those are ``other``'s."""
        return Calibration(self.classes, {**self.quantiles, **other.quantiles})

    def to_json(self) -> dict[str, Any]:
        rounded = {
            k: [[float(f"{x:.6g}") for x in r] for r in v] for k, v in self.quantiles.items()
        }
        return {"classes": list(self.classes), "levels": list(LEVELS), "quantiles": rounded}

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
        return Calibration(classes, quantiles)


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
    for start in range(0, len(images), batch_size):
        pixels = torch.from_numpy(images[start : start + batch_size]).to(device)
        own = torch.from_numpy(labels[start : start + batch_size]).to(device)
        parts.append({name: value.cpu().numpy() for name, value in scorer(pixels, own).items()})
    quantiles: dict[str, np.ndarray] = {}
    for name in scorer.names:
        values = np.concatenate([part[name] for part in parts]).astype(np.float64)
        every = np.quantile(values, LEVELS)
        rows = [
            np.quantile(values[labels == k], LEVELS) if (labels == k).any() else every
            for k in range(len(classes))
        ]
        quantiles[name] = np.stack([*rows, every])
    return Calibration(classes, quantiles)
