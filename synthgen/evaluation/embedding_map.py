"""A flat map of many features, for the eye: near on the map means alike."""

from __future__ import annotations

import torch
from torch import Tensor

PERPLEXITY = 30.0
COMPONENTS = 50
"""Principal components that are mapped; the rest is noise to the eye."""

STEPS = 500
EXAGGERATED_STEPS = 150
EXAGGERATION = 12.0
GAIN_FLOOR = 0.01


def embedding_map(features: Tensor) -> Tensor:
    """Places ``float64 [N, 2]`` in [0, 1] of features ``[N, F]``: the same for the same features.

    t-SNE (van der Maaten & Hinton 2008), exact, begun from the first two principal components
    (Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x, who also give the learning rate).
    Distances between far groups mean little. At most a few thousand rows: cost grows with their
    square.

    Raises:
        ValueError: fewer than three rows.
    """
    if len(features) < 3:
        raise ValueError("a map needs three rows")
    reduced = _principal(features.double())
    affinity = _affinities(reduced, min(PERPLEXITY, (len(features) - 1) / 3)).float()
    exaggerated = affinity * EXAGGERATION
    start = torch.zeros(len(features), 2)
    start[:, : min(2, reduced.shape[1])] = reduced[:, :2].float()
    places = 1e-4 * start / start.std(dim=0).clamp(min=1e-12)[:1]
    step, gains = torch.zeros_like(places), torch.ones_like(places)
    rate = max(50.0, len(features) / EXAGGERATION)
    for number in range(STEPS):
        early = number < EXAGGERATED_STEPS
        slope = _slope(places, exaggerated if early else affinity)
        turned = slope * step > 0
        gains = torch.where(turned, gains * 0.8, gains + 0.2).clamp(min=GAIN_FLOOR)
        step = (0.5 if early else 0.8) * step - rate * gains * slope
        places = places + step
        places = places - places.mean(dim=0)
    low, high = places.min(dim=0).values, places.max(dim=0).values
    return ((places - low) / (high - low).clamp(min=1e-12)).double()


def _principal(rows: Tensor) -> Tensor:
    """Scores of the first principal components, each with the sign of its largest loading."""
    centred = rows - rows.mean(dim=0)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    axes = axes[:COMPONENTS]
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    scores: Tensor = centred @ (axes * largest.sign()).t()
    return scores


def _affinities(rows: Tensor, perplexity: float) -> Tensor:
    """Joint probabilities ``float64 [N, N]``: each row's widths found by bisection, then made
    symmetric."""
    squared = torch.cdist(rows, rows).square().fill_diagonal_(torch.inf)
    # In units of each row's nearest distance; images without any distance are as near as can be.
    squared = squared - squared.min(dim=1, keepdim=True).values
    scale = squared.where(squared.isfinite(), 0.0).mean(dim=1, keepdim=True).clamp(min=1e-12)
    squared = squared / scale
    low, high = torch.full_like(scale, -20.0), torch.full_like(scale, 20.0)  # log of precision
    target = torch.log(torch.tensor(perplexity, dtype=torch.float64))
    for _ in range(40):
        middle = (low + high) / 2
        weights = torch.exp(-squared * middle.exp())
        shares = weights / weights.sum(dim=1, keepdim=True)
        entropy = -(shares * shares.clamp(min=1e-300).log()).sum(dim=1, keepdim=True)
        wide = entropy > target
        low, high = torch.where(wide, middle, low), torch.where(wide, high, middle)
    return (shares + shares.t()) / (2 * len(rows))


def _slope(places: Tensor, affinity: Tensor) -> Tensor:
    norms = places.square().sum(dim=1)
    # In place: the time goes into moving matrices of N x N.
    closeness = torch.addmm(norms[:, None] + 1, places, places.t(), alpha=-2).add_(norms[None])
    closeness.clamp_(min=1).reciprocal_().fill_diagonal_(0)
    pull = torch.sub(affinity, closeness, alpha=1 / float(closeness.sum())).mul_(closeness)
    return 4 * (pull.sum(dim=1, keepdim=True) * places - pull @ places)
