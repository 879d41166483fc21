"""Train a classifier for a fixed number of steps, on images of several sources side by side.

The measure of utility: whatever the classifier learns from, it is the same network with the same
steps, so that rows of a table differ in their data alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from synthgen.features.classifier import LabelClassifier
from synthgen.networks.placement import place
from synthgen.spec.image import ImageSpec
from synthgen.training.augment import translate
from synthgen.training.batches import RealBatches
from synthgen.training.loop import step_seed


@dataclass(frozen=True)
class Budget:
    """Network and training, the same for every row."""

    steps: int = 1500
    batch_size: int = 64
    width: int = 24
    peak_lr: float = 0.05
    weight_decay: float = 5e-4
    smoothing: float = 0.05
    warm_up: float = 0.2
    """Share of the steps over which the learning rate rises; then it falls along a cosine."""
    flip: bool = True
    crop: float = 0.125
    """Each image is shifted by up to this share of its side; zeros come in."""


@dataclass(frozen=True)
class Source:
    """Images of one origin and the share of every batch that is theirs."""

    images: np.ndarray
    """``uint8 [N, H, W, C]``."""
    targets: np.ndarray
    """``float32 [N, K]``: a probability for each class."""
    share: float


def hard_targets(labels: np.ndarray, classes: int, smoothing: float) -> np.ndarray:
    """Labels ``int64 [N]`` to smoothed probabilities ``float32 [N, classes]``."""
    table = np.full((classes, classes), smoothing / classes, dtype=np.float32)
    table[np.diag_indices(classes)] += 1 - smoothing
    chosen: np.ndarray = table[labels]
    return chosen


def train_fixed_budget(
    sources: Sequence[Source],
    budget: Budget,
    *,
    seed: int,
    device: torch.device,
    precision: torch.dtype,
    progress: Callable[[int], Any] = lambda images: None,
) -> LabelClassifier:
    """The trained classifier, in evaluation mode.

    A function of its arguments: weights, order and augmentation come from the seed.

    Args:
        sources: of the same image size and classes; their shares add up to 1.
        budget: what is trained, and for how long.
        seed: of everything random.
        device: where it is trained.
        precision: ``torch.bfloat16`` trains under autocast.
        progress: told of images shown.
    """
    _, height, width, channels = sources[0].images.shape
    classes = sources[0].targets.shape[1]
    torch.manual_seed(step_seed(seed, 0, 1))
    network = LabelClassifier(ImageSpec(height, width, channels), classes, budget.width)
    place(network, device).train()
    counts = batch_counts([source.share for source in sources], budget.batch_size)
    parts = []
    for place_in_list, (source, count) in enumerate(zip(sources, counts, strict=True)):
        if count:
            rows = np.arange(len(source.images))
            order = step_seed(seed, 0, 2 + place_in_list)
            batches = RealBatches(source.images, rows, rows, order, budget.flip)
            parts.append((batches, torch.from_numpy(source.targets).to(device), count))
    optimizer = torch.optim.SGD(
        network.parameters(), lr=budget.peak_lr, momentum=0.9, nesterov=True,
        weight_decay=budget.weight_decay,
    )  # fmt: skip
    for step in range(budget.steps):
        torch.manual_seed(step_seed(seed, 1 + step, 0))
        drawn = [(b.at(step * count, count, device), table) for b, table, count in parts]
        pixels = torch.cat([images for (images, _), _ in drawn])  # [B, C, H, W]
        targets = torch.cat([table[rows] for (_, rows), table in drawn])  # [B, K]
        for group in optimizer.param_groups:
            group["lr"] = budget.peak_lr * _lr_factor(step / budget.steps, budget.warm_up)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            loss = cross_entropy(network(_shifted(pixels, budget.crop)), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress(budget.batch_size)
    return network.eval()


def batch_counts(shares: Sequence[float], batch_size: int) -> list[int]:
    """How many of each batch come from each source: whole numbers that add up to the batch."""
    ends = [round(batch_size * sum(shares[: place + 1])) for place in range(len(shares))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _shifted(images: Tensor, share: float) -> Tensor:
    return translate(images, share) if share else images


def _lr_factor(progress: float, warm_up: float) -> float:
    if progress < warm_up:
        return (progress + 1e-3) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))
