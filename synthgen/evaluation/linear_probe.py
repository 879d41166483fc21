"""A linear probe: a second witness of labels, beside the bundle's own classifier.

The bundle's classifier filters what is written, so that its agreement with what passed flatters.
The probe is a linear classifier on the extractor's features (linear probes: Alain and Bengio 2016,
arXiv:1610.01644), fitted to real images at evaluation, and nothing else uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

FEWEST = 10
"""Real images of each class that a probe is fitted to, at least."""

DECAYS = (1e-4, 1e-3, 1e-2, 1e-1)
"""Weights of the squared norm to choose from."""

VALIDATION = 5
"""One row in so many tells which of them is best."""

ITERATIONS = 100
"""Of L-BFGS, at most."""


@dataclass(frozen=True)
class LinearProbe:
    """A fitted probe: features to classes."""

    mean: Tensor
    """``float32 [F]``."""
    scale: Tensor
    """``float32 [F]``: one over the deviation of each feature."""
    weight: Tensor
    """``float32 [classes, F]``."""
    bias: Tensor
    """``float32 [classes]``."""

    def classes_of(self, features: Tensor) -> Tensor:
        """The likeliest class ``int64 [N]`` of each of the features ``float32 [N, F]``."""
        logits = (features - self.mean) * self.scale @ self.weight.T + self.bias
        return logits.argmax(dim=1)


def fit_probe(features: Tensor, labels: Tensor, classes: int) -> LinearProbe | None:
    """A probe fitted to features ``float32 [N, F]`` with labels ``int64 [N]``, or ``None``.

    Softmax regression with a squared norm, whose weight is chosen on every fifth row; equal rows
    give equal probes. ``None`` where there is nothing to tell apart: one class, or a class with
    fewer than :data:`FEWEST` rows.
    """
    counts = torch.bincount(labels, minlength=classes)
    if classes < 2 or int(counts.min()) < FEWEST:
        return None
    # In the order of the classes, so that every fifth row is a fifth of each class.
    order = torch.argsort(labels, stable=True)
    features, labels = features[order].float(), labels[order]
    mean = features.mean(dim=0)
    scale = 1 / features.std(dim=0, unbiased=False).clamp_min(1e-6)
    rows = (features - mean) * scale
    aside = torch.arange(len(rows)) % VALIDATION == VALIDATION - 1
    decay = _chosen(rows[~aside], labels[~aside], rows[aside], labels[aside], classes)
    weight, bias = _regression(rows, labels, classes, decay)
    return LinearProbe(mean, scale, weight, bias)


def share_right(guesses: Tensor, labels: Tensor, classes: int) -> Sequence[float | None]:
    """The share of each class' rows that are guessed rightly; ``None`` of a class without rows.

    ``guesses`` and ``labels`` are ``int64 [N]``.
    """
    right = guesses == labels
    return [
        float(right[labels == label].float().mean()) if bool((labels == label).any()) else None
        for label in range(classes)
    ]


def _chosen(
    rows: Tensor, labels: Tensor, validation: Tensor, wanted: Tensor, classes: int
) -> float:
    """The decay with the least cross-entropy on validation rows."""

    def loss(decay: float) -> float:
        weight, bias = _regression(rows, labels, classes, decay)
        return float(cross_entropy(validation @ weight.T + bias, wanted))

    return min(DECAYS, key=loss)


def _regression(rows: Tensor, labels: Tensor, classes: int, decay: float) -> tuple[Tensor, Tensor]:
    """Weights ``[classes, F]`` and bias ``[classes]`` of least cross-entropy plus squared norm."""
    # Rows made in inference mode take no part in gradients; copies of them do.
    with torch.inference_mode(False), torch.enable_grad():
        rows, labels = rows.clone(), labels.clone()
        weight = torch.zeros(classes, rows.shape[1], requires_grad=True)
        bias = torch.zeros(classes, requires_grad=True)
        search = torch.optim.LBFGS(
            [weight, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            search.zero_grad()
            loss = cross_entropy(rows @ weight.T + bias, labels) + decay * weight.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        search.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
