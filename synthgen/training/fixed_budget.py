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

from synthgen.data.splits import evenly
from synthgen.features.classifier import LabelClassifier
from synthgen.features.strong_classifier import StrongClassifier
from synthgen.machine.devices import seed_generators
from synthgen.networks.placement import place
from synthgen.spec.image import ImageSpec, to_float
from synthgen.training.augment import translate
from synthgen.training.batches import RealBatches
from synthgen.training.loop import step_seed
from synthgen.training.strong_budget import WHITENED_BY, StrongBudget

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

    def fresh(self, image: ImageSpec, classes: int, shown: np.ndarray) -> LabelClassifier:
        """A network with random weights."""
        return LabelClassifier(image, classes, self.width)

    def augment(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1], shifted at random."""
        return translate(images, self.crop) if self.crop else images

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """SGD with Nesterov momentum; each group's ``peak`` is its highest learning rate."""
        return torch.optim.SGD(
            [{"params": list(network.parameters()), "peak": self.peak_lr}],
            lr=self.peak_lr, momentum=0.9, nesterov=True, weight_decay=self.weight_decay,
        )  # fmt: skip

    def rate(self, progress: float) -> float:
        """Learning rate at a share of the steps, as a share of the peak."""
        if progress < self.warm_up:
            return (progress + 1e-3) / self.warm_up
        return 0.5 * (1 + math.cos(math.pi * (progress - self.warm_up) / (1 - self.warm_up)))

    def follower(self, network: nn.Module) -> Callable[[int], None]:
        """What is to be called after each step, with its number: nothing happens."""
        return lambda step: None


AnyBudget = Budget | StrongBudget
Learner = LabelClassifier | StrongClassifier


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
    groups: np.ndarray | None = None
    """``int64 [M]``: the group of each image, for what weighs or balances groups."""

    def targets(self, rows: np.ndarray, classes: int, smoothing: float) -> Tensor:
        """``float32 [n, classes]`` of these rows: ``soft``, or the label's, smoothed."""
        if self.soft is not None:
            return torch.from_numpy(self.soft[rows])
        table = torch.full((classes, classes), smoothing / classes)
        table += torch.eye(classes) * (1 - smoothing)
        return table[torch.from_numpy(self.labels[rows])]


Loss = Callable[[nn.Module, Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]
"""What is made small: of the network, the budget's augmentation, images ``float [N, C, H, W]`` in
[-1, 1] and targets ``float32 [N, K]``, behind which the group stands where sources have groups."""


def plain_loss(
    network: nn.Module, augment: Callable[[Tensor], Tensor], pixels: Tensor, truth: Tensor
) -> Tensor:
    """Cross-entropy of augmented images; a column of groups is left out."""
    logits = network(augment(pixels))
    return cross_entropy(logits, truth[:, : logits.shape[1]])


def train_fixed_budget(
    sources: Sequence[Source],
    classes: int,
    budget: AnyBudget,
    *,
    seed: int,
    device: torch.device,
    precision: torch.dtype,
    first_alone: float = 0.0,
    loss: Loss = plain_loss,
    progress: Callable[[int], Any] = lambda images: None,
) -> Learner:
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
        loss: what is made small.
        progress: told of images shown.
    """
    _, height, width, channels = sources[0].images.shape
    torch.manual_seed(step_seed(seed, 0, 1))
    network = budget.fresh(ImageSpec(height, width, channels), classes, _some(sources))
    place(network, device).train()
    taught = [
        (_Taught(source, classes, budget, step_seed(seed, 0, 2 + number)), source.share)
        for number, source in enumerate(sources)
    ]

    def loss_of(pixels: Tensor, truth: Tensor) -> Tensor:
        return loss(network, budget.augment, pixels, truth)

    fit_fixed_budget(
        network, taught, loss_of, budget, seed=seed, device=device, precision=precision,
        first_alone=first_alone, progress=progress,
    )  # fmt: skip
    return network.eval()


def _some(sources: Sequence[Source]) -> np.ndarray:
    """Images of all sources, spread evenly over them: what a first layer may be set by."""
    most = WHITENED_BY // len(sources)
    return np.concatenate([s.images[s.rows[evenly(len(s.rows), most)]] for s in sources])


class Shown(Protocol):
    """Rows of one origin in their order."""

    def at(self, start: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Images ``float [count, C, H, W]`` in [-1, 1] from position ``start`` on, and what is to
        be learnt of each, ``[count, ...]``."""


def fit_fixed_budget(
    network: nn.Module,
    shown: Sequence[tuple[Shown, float]],
    loss_of: Callable[[Tensor, Tensor], Tensor],
    budget: AnyBudget,
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
    optimizer, follow = budget.optimizer(network), budget.follower(network)
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
            group["lr"] = group["peak"] * budget.rate(step / budget.steps)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            loss = loss_of(pixels, truth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        follow(step)
        progress(budget.batch_size)


class _Taught:
    """A source's images and targets ``float32 [n, K]``, and behind them the group, if there are
    groups."""

    def __init__(self, source: Source, classes: int, budget: AnyBudget, seed: int) -> None:
        self._source, self._classes, self._smoothing = source, classes, budget.smoothing
        rows = np.arange(len(source.labels))
        self._order = RealBatches(source.images, rows, source.rows, seed, budget.flip)

    def at(self, start: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        images, rows = self._order.at(start, count, device)
        places = rows.cpu().numpy()
        targets = self._source.targets(places, self._classes, self._smoothing)
        if self._source.groups is not None:
            groups = torch.from_numpy(self._source.groups[places])
            targets = torch.cat([targets, groups[:, None].float()], dim=1)
        return images, targets.to(device)


def batch_counts(shares: Sequence[float], batch_size: int) -> list[int]:
    """How many of each batch come from each source: whole numbers that add up to the batch."""
    ends = [round(batch_size * sum(shares[: place + 1])) for place in range(len(shares))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def probabilities(network: Learner, images: np.ndarray, device: torch.device) -> np.ndarray:
    """``float32 [N, K]``: what a classifier says of images ``uint8 [N, H, W, C]``, in float32."""
    found: np.ndarray = _logits(network, images, device).softmax(dim=1).numpy()
    return found


def confusion(
    network: Learner, images: np.ndarray, labels: np.ndarray, device: torch.device
) -> np.ndarray:
    """``int64 [K, K]``: how many images ``uint8 [N, H, W, C]`` of each class (row) are taken for
    each class (column), in float32."""
    counts = np.zeros((network.classes, network.classes), dtype=np.int64)
    if not len(labels):
        return counts
    guesses = _logits(network, images, device).argmax(dim=1).numpy()
    np.add.at(counts, (labels, guesses), 1)
    return counts


@torch.inference_mode()
def _logits(network: Learner, images: np.ndarray, device: torch.device) -> Tensor:
    parts = [
        network(to_float(torch.from_numpy(np.array(images[start : start + TESTED_TOGETHER])).to(
            device))).cpu()
        for start in range(0, len(images), TESTED_TOGETHER)
    ]  # fmt: skip
    return torch.cat(parts)
