"""Optimisers from the records of the algorithm contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from synthgen.algorithms.contract import Adam, Algorithm, RMSProp


@dataclass(frozen=True)
class Optimizer:
    """A torch optimiser and the learning rate it has where the schedule ``"lr"`` is one."""

    steps: torch.optim.Optimizer
    lr: float

    def scale(self, factor: float) -> None:
        for group in self.steps.param_groups:
            group["lr"] = self.lr * factor


def parameters(networks: Mapping[str, nn.Module], names: Iterable[str]) -> list[nn.Parameter]:
    """Parameters of the named networks, each once even where networks share layers."""
    seen = {id(p): p for name in names for p in networks[name].parameters()}
    return list(seen.values())


def optimizers_of(algorithm: Algorithm) -> dict[tuple[str, ...], Optimizer]:
    """One optimiser per set of trained networks, from the first phase that names one.

    Raises:
        ValueError: no phase of a set names an optimiser.
    """
    made: dict[tuple[str, ...], Optimizer] = {}
    for phase in algorithm.phases:
        if phase.optimizer is not None and phase.trains not in made:
            made[phase.trains] = _build(
                phase.optimizer, parameters(algorithm.networks, phase.trains)
            )
    for phase in algorithm.phases:
        if phase.trains not in made:
            raise ValueError(f"no phase gives an optimiser for {', '.join(phase.trains)}")
    return made


def _build(record: Adam | RMSProp, trained: list[nn.Parameter]) -> Optimizer:
    if isinstance(record, Adam):
        adam = torch.optim.Adam(
            trained, lr=record.lr, betas=record.betas, eps=record.eps, fused=True
        )
        return Optimizer(adam, record.lr)
    rmsprop = torch.optim.RMSprop(trained, lr=record.lr, alpha=record.alpha, eps=record.eps)
    return Optimizer(rmsprop, record.lr)
