"""Classifiers that label a pool: each is trained without a part of the labels, which calibrate it.

Every label is held out of one classifier, so that all of them together learn from all labels, and
what they say of images that they have not seen is known of every one (cross-validation; Kohavi
1995).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from synthgen.data.splits import Labelled
from synthgen.features.classifier import LabelClassifier
from synthgen.networks.placement import place
from synthgen.spec.image import ImageSpec
from synthgen.training.baselines.fixmatch import FixMatchLoss
from synthgen.training.baselines.pool import Pool
from synthgen.training.classifier import logits_of, replace_tensors
from synthgen.training.fixed_budget import (
    Budget,
    Learner,
    Loss,
    Source,
    plain_loss,
    train_fixed_budget,
)
from synthgen.training.loop import step_seed

SEEN_BY_ALL = -1
POOL_ORDER = 101
"""Number of the seed of the pool's order."""


@dataclass(frozen=True)
class Teaching:
    """How the classifiers of one labelling are trained."""

    classes: int
    members: int
    budget: Budget
    fixmatch: bool
    """Whether they learn from the pool by FixMatch (Sohn et al. 2020, arXiv:2001.07685) as well."""
    seed: int
    device: torch.device
    precision: torch.dtype


@dataclass(frozen=True)
class Ensemble:
    """Trained classifiers and what their held-out labels say of them."""

    networks: tuple[nn.Module, ...]
    """Images ``float [N, C, H, W]`` in [-1, 1] to logits ``float32 [N, K]``."""
    classes: int
    temperature: float | None
    """By which logits are divided; ``None`` where no label was held out."""
    held_out: float | None
    """Share of the held-out labels that were told, each by the classifier without it; 0 to 1."""
    held_images: int

    def probabilities(self, images: np.ndarray, device: torch.device) -> np.ndarray:
        """The mean answer to images ``uint8 [N, H, W, C]``: ``float32 [N, K]``."""
        total = np.zeros((len(images), self.classes), dtype=np.float32)
        rows = np.arange(len(images))
        for network in self.networks:
            logits = logits_of(network, images, rows, device) / (self.temperature or 1.0)
            total += logits.softmax(dim=1).numpy()
        return total / len(self.networks)


def parts_of(labels: np.ndarray, members: int, seed: int) -> np.ndarray:
    """The classifier that each label is held out of, ``int64 [N]`` in [0, members);
    :data:`SEEN_BY_ALL` for the only label of a class, and where there is one classifier.

    The parts are equal, class by class, but for one.
    """
    parts = np.full(len(labels), SEEN_BY_ALL, dtype=np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 1 and members > 1:
            shuffled = np.random.default_rng([seed, int(label)]).permutation(rows)
            # Another first part for each class, or few labels would all be held out of one member.
            parts[shuffled] = (np.arange(len(rows)) + int(label)) % members
    return parts


def train_members(
    known: Labelled,
    share: float,
    others: Sequence[Source],
    pool: np.ndarray,
    teaching: Teaching,
    folder: Path,
    progress: Callable[[int], Any] = lambda images: None,
) -> Ensemble:
    """The classifiers, trained or read from ``folder``, where each is put when it is done.

    Args:
        known: the labelled images.
        share: what share of each batch they are; 0 shows none, and they calibrate alone.
        others: what else is shown; all shares add up to 1.
        pool: images ``uint8 [M, H, W, C]`` without labels, for FixMatch.
        teaching: how they are trained.
        folder: of the classifiers.
        progress: told of images shown.
    """
    _, height, width, channels = known.images.shape
    image = ImageSpec(height, width, channels)
    parts = parts_of(known.labels, teaching.members, teaching.seed)
    networks: list[nn.Module] = []
    logits, truth = [], []
    for member in range(teaching.members):
        path = folder / f"member-{member}.safetensors"
        network: nn.Module
        if path.exists():
            network = LabelClassifier(image, teaching.classes, teaching.budget.width)
            network.load_state_dict(load_file(path))
            place(network, teaching.device).eval()
            progress(teaching.budget.steps * teaching.budget.batch_size)
        else:
            learnt = np.flatnonzero(parts != member)
            own = Source(known.images, known.labels, learnt, share)
            network = _trained(own, others, pool, teaching, teaching.seed + member, progress)
            replace_tensors(network.state_dict(), path)
        networks.append(network)
        held = np.flatnonzero(parts == member)
        if len(held):
            logits.append(logits_of(network, known.images, held, teaching.device))
            truth.append(torch.from_numpy(known.labels[held]))
    if not logits:
        return Ensemble(tuple(networks), teaching.classes, None, None, 0)
    said, right = torch.cat(logits), torch.cat(truth)
    accuracy = float((said.argmax(dim=1) == right).float().mean())
    temperature = temperature_of(said, right)
    return Ensemble(tuple(networks), teaching.classes, temperature, accuracy, len(right))


def _trained(
    own: Source,
    others: Sequence[Source],
    pool: np.ndarray,
    teaching: Teaching,
    seed: int,
    progress: Callable[[int], Any],
) -> Learner:
    first = [own] if own.share > 0 else []
    loss: Loss = plain_loss
    budget = teaching.budget
    if teaching.fixmatch:
        loss = FixMatchLoss(Pool(pool, step_seed(seed, 0, POOL_ORDER), budget.flip))
        # Smoothed labels keep a classifier from being sure.
        budget = replace(budget, smoothing=0.0)
    return train_fixed_budget(
        [*first, *others], teaching.classes, budget, seed=seed, device=teaching.device,
        precision=teaching.precision, loss=loss, progress=progress,
    )  # fmt: skip


def temperature_of(logits: Tensor, truth: Tensor) -> float:
    """The temperature in [0.1, 10] of least cross-entropy on ``logits [N, K]`` of classes ``truth
    int64 [N]`` (Guo et al. 2017, arXiv:1706.04599, section 4.2)."""
    tried = torch.logspace(-1, 1, 81)
    losses = [float(cross_entropy(logits / each, truth)) for each in tried]
    return float(tried[int(np.argmin(losses))])
