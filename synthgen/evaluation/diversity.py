"""How much the images of one class differ from each other, in a feature space."""

from __future__ import annotations

import torch
from torch import Tensor


def class_diversity(features: Tensor, labels: Tensor, count: int) -> Tensor:
    """Root mean square distance between two different members of each class: ``float64 [count]``.

    From the class' variance: E|x - y|^2 = 2 n / (n - 1) E|x - m|^2 over pairs x, y of the sample.
    A class of fewer than two members has ``nan``; a collapsed one 0.
    """
    spread = torch.full((count,), float("nan"), dtype=torch.float64)
    for label in range(count):
        members = features[labels == label].double()
        if len(members) > 1:
            spread[label] = (2 * members.var(dim=0, correction=1).sum()).sqrt()
    return spread
