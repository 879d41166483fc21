"""Classifiers on several ways to the target, with equal steps: what each is right on there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from synthgen.data.splits import Labelled
from synthgen.machine.progress import Progress
from synthgen.training.classifier import logits_of
from synthgen.training.fixed_budget import (
    Budget,
    Learner,
    Source,
    confusion,
    train_fixed_budget,
)

SURE = 0.8
"""Probability from which on an image of the pool is learnt under the class it was given."""
AGAIN = 2
"""How often self-training labels the pool."""


@dataclass(frozen=True)
class Learning:
    """How every classifier of a table is trained."""

    classes: int
    budget: Budget
    seed: int
    device: torch.device

    def fit(self, parts: Sequence[tuple[Labelled, float]], name: str = "classifier") -> Learner:
        """The classifier of images and their shares of every batch."""
        sources = [
            Source(part.images, part.labels, np.arange(len(part.labels)), share)
            for part, share in parts
        ]
        with Progress(self.budget.steps * self.budget.batch_size, name) as progress:
            return train_fixed_budget(
                sources, self.classes, self.budget, seed=self.seed, device=self.device,
                precision=torch.float32, progress=progress.add,
            )  # fmt: skip

    def self_trained(self, labelled: Labelled, pool: np.ndarray) -> Learner:
        """Trained on labelled images, then twice on these and on what it says of the pool's images
        (``uint8 [N, H, W, C]``) that it is sure of; each time anew and with all steps."""
        network = self.fit([(labelled, 1.0)], "self-training")
        for _ in range(AGAIN):
            told = sure_rows(network, pool, self.device)
            if not len(told.labels):
                return network
            network = self.fit([(labelled, 0.5), (told, 0.5)], "self-training")
        return network

    def accuracy(self, network: Learner, test: Labelled) -> float:
        """The share of the test images that it names rightly, in [0, 1]."""
        counts = confusion(network, test.images, test.labels, self.device)
        return float(counts.trace() / counts.sum())


def sure_rows(network: Learner, pool: np.ndarray, device: torch.device) -> Labelled:
    """The images of the pool that a classifier is sure of, under the classes that it names."""
    chances = logits_of(network, pool, np.arange(len(pool)), device).softmax(dim=1).numpy()
    sure = np.flatnonzero(chances.max(axis=1) >= SURE)
    return Labelled(pool[sure], chances[sure].argmax(axis=1).astype(np.int64))


@dataclass(frozen=True)
class Ways:
    """What classifiers of a table learn from."""

    source: Labelled
    """As it was read."""
    canonical: Labelled
    """In the target's frame."""
    pool: np.ndarray
    """The target's images without labels."""
    translated: Labelled
    refined: Labelled | None
    """``None`` where there were no rounds."""


def rows_of(learning: Learning, ways: Ways) -> Mapping[str, Callable[[], Learner]]:
    """Each row of the table by name, as a function that trains its classifier."""

    def alone(images: Labelled) -> Callable[[], Learner]:
        return lambda: learning.fit([(images, 1.0)])

    found = {
        "source only": alone(ways.source),
        "canonical preprocessing": alone(ways.canonical),
        "self-training": lambda: learning.self_trained(ways.canonical, ways.pool),
        "translated": alone(ways.translated),
        "translated + self-training": lambda: learning.self_trained(ways.translated, ways.pool),
    }
    refined = ways.refined
    if refined is not None:
        found["refined"] = alone(refined)
        found["refined + self-training"] = lambda: learning.self_trained(refined, ways.pool)
    return found


def as_table(accuracies: Mapping[str, float]) -> str:
    """A Markdown table of the rows' accuracies on the test images."""
    lines = ["| learnt from | accuracy on the target |", "|---|---|"]
    lines += [f"| {name} | {value:.1%} |" for name, value in accuracies.items()]
    return "\n".join(lines)
