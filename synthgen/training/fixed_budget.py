"""Train a classifier for a fixed number of steps, on images of several sources side by side.

The measure of utility: whatever the classifier learns from, it is the same network with the same
steps, so that rows of a table differ in their data alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from synthgen.features.classifier import LabelClassifier
from synthgen.machine.devices import seed_generators
from synthgen.networks.placement import place
from synthgen.spec.image import ImageSpec, to_float
from synthgen.training.augment import translate
from synthgen.training.batches import RealBatches
from synthgen.training.loop import step_seed

TESTED_TOGETHER = 256


@dataclass(frozen=True)
class Budget:
    """Network and training, the same for every row."""

    steps: int = 1000
    batch_size: int = 64
    width: int = 16
    peak_lr: float = 0.15
    weight_decay: float = 5e-4
    smoothing: float = 0.05
    warm_up: float = 0.2
    """Share of the steps over which the learning rate rises; then it falls along a cosine."""
    flip: bool = True
    crop: float = 0.07
    """Each image is shifted by up to this share of its side; zeros come in."""


@dataclass(frozen=True)
class Source:
    """Images of one origin and the share of every batch that is theirs."""

    images: np.ndarray
    """``uint8 [M, H, W, C]``, may be memory-mapped."""
    labels: np.ndarray
    """``int64 [M]``."""
    rows: np.ndarray
    """``int64 [N]``: the images that are shown."""
    share: float
    soft: np.ndarray | None = None
    """``float32 [M, K]``: probabilities to learn in place of the labels."""

    def targets(self, rows: np.ndarray, classes: int, smoothing: float) -> Tensor:
        """``float32 [n, classes]`` of these rows: ``soft``, or the label's, smoothed."""
        if self.soft is not None:
            return torch.from_numpy(self.soft[rows])
        table = torch.full((classes, classes), smoothing / classes)
        table += torch.eye(classes) * (1 - smoothing)
        return table[torch.from_numpy(self.labels[rows])]


def train_fixed_budget(
    sources: Sequence[Source],
    classes: int,
    budget: Budget,
    *,
    seed: int,
    device: torch.device,
    precision: torch.dtype,
    first_alone: float = 0.0,
    progress: Callable[[int], Any] = lambda images: None,
) -> LabelClassifier:
    """The trained classifier, in evaluation mode.

    A function of its arguments: weights, order and augmentation come from the seed.

    Args:
        sources: of one image size; their shares add up to 1.
        classes: how many there are.
        budget: what is trained, and for how long.
        seed: of everything random.
        device: where it is trained.
        precision: ``torch.bfloat16`` trains under autocast.
        first_alone: last share of the steps that show the first source only.
        progress: told of images shown.
    """
    _, height, width, channels = sources[0].images.shape
    torch.manual_seed(step_seed(seed, 0, 1))
    network = LabelClassifier(ImageSpec(height, width, channels), classes, budget.width)
    place(network, device).train()
    taught = [
        (_Taught(source, classes, budget, step_seed(seed, 0, 2 + number)), source.share)
        for number, source in enumerate(sources)
    ]

    def loss_of(pixels: Tensor, truth: Tensor) -> Tensor:
        return cross_entropy(network(_shifted(pixels, budget.crop)), truth)

    fit_fixed_budget(
        network, taught, loss_of, budget, seed=seed, device=device, precision=precision,
        first_alone=first_alone, progress=progress,
    )  # fmt: skip
    return network.eval()


class Shown(Protocol):
    """Rows of one origin in their order."""

    def at(self, start: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Images ``float [count, C, H, W]`` in [-1, 1] from position ``start`` on, and what is to
        be learnt of each, ``[count, ...]``."""


def fit_fixed_budget(
    network: nn.Module,
    shown: Sequence[tuple[Shown, float]],
    loss_of: Callable[[Tensor, Tensor], Tensor],
    budget: Budget,
    *,
    seed: int,
    device: torch.device,
    precision: torch.dtype,
    first_alone: float,
    progress: Callable[[int], Any],
) -> None:
    """Train a network for the budget's steps on several origins side by side.

    ``shown`` has each origin's rows and share, ``loss_of`` takes images and what is to be learnt of
    them; the rest as in :func:`train_fixed_budget`.
    """
    mixed = batch_counts([share for _, share in shown], budget.batch_size)
    alone = [budget.batch_size, *(0 for _ in shown[1:])]
    at = [0] * len(shown)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=budget.peak_lr, momentum=0.9, nesterov=True,
        weight_decay=budget.weight_decay,
    )  # fmt: skip
    for step in range(budget.steps):
        seed_generators(step_seed(seed, 1 + step, 0), device)
        parts = []
        counts = alone if step >= budget.steps * (1 - first_alone) else mixed
        for number, count in enumerate(counts):
            if count:
                parts.append(shown[number][0].at(at[number], count, device))
                at[number] += count
        pixels, truth = (torch.cat(values) for values in zip(*parts, strict=True))
        for group in optimizer.param_groups:
            group["lr"] = budget.peak_lr * _lr_factor(step / budget.steps, budget.warm_up)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            loss = loss_of(pixels, truth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress(budget.batch_size)


class _Taught:
    """A source's images and targets ``float32 [n, K]``."""

    def __init__(self, source: Source, classes: int, budget: Budget, seed: int) -> None:
        self._source, self._classes, self._smoothing = source, classes, budget.smoothing
        rows = np.arange(len(source.labels))
        self._order = RealBatches(source.images, rows, source.rows, seed, budget.flip)

    def at(self, start: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        images, rows = self._order.at(start, count, device)
        targets = self._source.targets(rows.cpu().numpy(), self._classes, self._smoothing)
        return images, targets.to(device)


def batch_counts(shares: Sequence[float], batch_size: int) -> list[int]:
    """How many of each batch come from each source: whole numbers that add up to the batch."""
    ends = [round(batch_size * sum(shares[: place + 1])) for place in range(len(shares))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


@torch.inference_mode()
def confusion(
    network: LabelClassifier, images: np.ndarray, labels: np.ndarray, device: torch.device
) -> np.ndarray:
    """``int64 [K, K]``: how many images ``uint8 [N, H, W, C]`` of each class (row) are taken for
    each class (column), in float32."""
    counts = np.zeros((network.classes, network.classes), dtype=np.int64)
    for start in range(0, len(images), TESTED_TOGETHER):
        part = slice(start, start + TESTED_TOGETHER)
        pixels = torch.from_numpy(np.array(images[part])).to(device)
        guesses = network(to_float(pixels)).argmax(dim=1).cpu().numpy()
        np.add.at(counts, (labels[part], guesses), 1)
    return counts


def _shifted(images: Tensor, share: float) -> Tensor:
    return translate(images, share) if share else images


def _lr_factor(progress: float, warm_up: float) -> float:
    if progress < warm_up:
        return (progress + 1e-3) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))
