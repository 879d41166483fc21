"""A flat map of many features, for the eye."""

from __future__ import annotations

import torch
from torch import Tensor


def embedding_map(features: Tensor) -> Tensor:
    """Places ``float64 [N, 2]`` in [0, 1] of features ``[N, F]``: the same for the same features.

    The first two principal components, by an exact singular value decomposition, both to one
    scale, each with the sign of its largest loading. What lies apart on the map is unlike; what
    lies together may still differ in directions that the map does not show.

    Raises:
        ValueError: fewer than three rows.
    """
    if len(features) < 3:
        raise ValueError("a map needs three rows")
    rows = features.double()
    centred = rows - rows.mean(dim=0)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    places = torch.zeros(len(rows), 2, dtype=torch.float64)
    places[:, : len(axes)] = centred @ (axes * largest.sign()).t()
    low, high = places.min(dim=0).values, places.max(dim=0).values
    return (places - (low + high) / 2) / (high - low).max().clamp(min=1e-12) + 0.5
