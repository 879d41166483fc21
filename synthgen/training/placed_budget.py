"""Train a reader of places for a fixed number of steps, on rows of several sources side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthgen.features.field_reader import FieldReader
from synthgen.networks.placement import place
from synthgen.training.batches import JointBatches
from synthgen.training.fixed_budget import Budget, fit_fixed_budget
from synthgen.training.loop import step_seed


@dataclass(frozen=True)
class PlacedSource:
    """Rows of one origin and the share of every batch that is theirs."""

    images: np.ndarray
    """``uint8 [M, H, W, C]``, may be memory-mapped."""
    beside: np.ndarray
    """The stored rows ``[M, ...]`` that are learnt."""
    rows: np.ndarray
    """``int64 [N]``: the rows that are shown."""
    share: float


def train_reader_budget(
    network: FieldReader,
    sources: Sequence[PlacedSource],
    budget: Budget,
    *,
    seed: int,
    device: torch.device,
    precision: torch.dtype,
    first_alone: float = 0.0,
    progress: Callable[[int], Any] = lambda images: None,
) -> None:
    """Train a fresh network, which is in evaluation mode then; arguments as in
    :func:`synthgen.training.fixed_budget.train_fixed_budget`.

    Images and rows are mirrored and moved together, by up to the share ``budget.crop``.
    """
    place(network, device).train()
    shown = [
        (
            JointBatches(
                source.images, source.beside, network.field, source.rows,
                step_seed(seed, 0, 2 + number), budget.flip, budget.crop,
            ),
            source.share,
        )
        for number, source in enumerate(sources)
    ]  # fmt: skip

    def loss_of(pixels: Tensor, rows: Tensor) -> Tensor:
        return network.loss(network(pixels), rows)

    fit_fixed_budget(
        network, shown, loss_of, budget, seed=seed, device=device, precision=precision,
        first_alone=first_alone, progress=progress,
    )  # fmt: skip
    network.eval()
