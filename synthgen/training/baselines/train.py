"""Train a classifier by a baseline's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from synthgen.spec.learning_baselines import check_baseline
from synthgen.training.baselines.cutmix import cutmix_loss
from synthgen.training.baselines.fixmatch import FixMatchLoss
from synthgen.training.baselines.fourier import fourier_loss
from synthgen.training.baselines.groupdro import GroupDro
from synthgen.training.baselines.pool import Pool
from synthgen.training.baselines.resampling import balanced_rows
from synthgen.training.baselines.self_training import surest
from synthgen.training.fixed_budget import (
    AnyBudget,
    Learner,
    Loss,
    Source,
    plain_loss,
    probabilities,
    train_fixed_budget,
)
from synthgen.training.loop import step_seed

SELF_TRAINING = "self-training"
POOL_ORDER, TEACHER = 101, 102
"""Numbers of the seeds of a pool's order and of a self-training's first classifier."""


@dataclass(frozen=True)
class Baseline:
    """A method's name, and the unlabelled images that it may learn from."""

    name: str
    pool: np.ndarray | None = None
    """``uint8 [P, H, W, C]``."""


def train_baseline(
    baseline: Baseline,
    source: Source,
    classes: int,
    budget: AnyBudget,
    *,
    seed: int,
    device: torch.device,
    precision: torch.dtype,
    progress: Callable[[int], Any] = lambda images: None,
) -> Learner:
    """The classifier that a baseline makes of a source's labelled images, in evaluation mode.

    A function of its arguments, with the budget's steps; ``self-training`` trains its first
    classifier beside that. ``source.groups`` are needed by ``groupdro``, and balanced by
    ``balanced``, which without them balances the classes.

    Raises:
        SynthgenError: there is no such baseline, or it lacks groups or a pool.
    """
    check_baseline(baseline.name, source.groups is not None, baseline.pool is not None)
    sources, loss = [replace(source, share=1.0)], plain_loss

    def train(sources: list[Source], seed: int, budget: AnyBudget, loss: Loss) -> Learner:
        return train_fixed_budget(
            sources, classes, budget, seed=seed, device=device, precision=precision, loss=loss,
            progress=progress,
        )  # fmt: skip

    if baseline.name in ("balanced", "groupdro"):
        groups = source.labels if source.groups is None else source.groups
        sources = [replace(sources[0], rows=balanced_rows(groups, source.rows))]
        if baseline.name == "groupdro":
            present, numbered = np.unique(groups[source.rows], return_inverse=True)
            own = np.zeros_like(groups)
            own[source.rows] = numbered
            sources, loss = [replace(sources[0], groups=own)], GroupDro(len(present))
    elif baseline.name == "cutmix":
        loss = cutmix_loss
    else:
        assert baseline.pool is not None
        if baseline.name == SELF_TRAINING:
            teacher = train(sources, step_seed(seed, 0, TEACHER), budget, plain_loss)
            sources = _with_pool(sources[0], probabilities(teacher, baseline.pool, device),
                                 baseline.pool)  # fmt: skip
        else:
            pool = Pool(baseline.pool, step_seed(seed, 0, POOL_ORDER), budget.flip)
            loss = FixMatchLoss(pool)
            if baseline.name == "fda":
                loss = partial(fourier_loss, pool)
        if baseline.name == "fixmatch":  # smoothed labels keep a classifier from being sure
            budget = replace(budget, smoothing=0.0)
    return train(sources, seed, budget, loss)


def _with_pool(source: Source, said: np.ndarray, pool: np.ndarray) -> list[Source]:
    """Half of each batch labelled, half of the pool by what a classifier said of it."""
    rows, labels = surest(said)
    labelled = replace(source, share=0.5, groups=None)
    return [labelled, Source(pool, labels, rows, 0.5)]
