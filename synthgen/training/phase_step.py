"""One phase of an algorithm on one batch: its losses, their gradients, its optimiser's step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from synthgen.algorithms.contract import Algorithm, Augment, Phase, Tensors
from synthgen.spec.task import CONDITION
from synthgen.training.ada import Ada
from synthgen.training.augment import diffaugment
from synthgen.training.distributed import Ranks
from synthgen.training.means import Means
from synthgen.training.optimizers import optimizers_of, parameters
from synthgen.training.remedies import Remedies

Batch = Mapping[str, Tensor]
Scalars = Mapping[str, float]


class NotFinite(Exception):
    """A loss became infinite or not a number."""


@dataclass(frozen=True)
class LoopSettings:
    """What a training is run by, apart from its algorithm and its images."""

    images: int
    """The budget that progress is measured by."""
    batch_size: int
    """Over all ranks."""
    seed: int
    ema_half_life: float
    augment: Augment
    precision: torch.dtype
    device: torch.device
    clip_gradients: float | None = None
    """Largest gradient norm; ``None`` clips none."""
    lr_at: Callable[[float], float] = lambda progress: 1.0
    """The factor on all learning rates at a progress in [0, 1]."""


class PhaseStep:
    """Runs phases of an algorithm; its optimisers, and the means of what the phases report."""

    def __init__(self, algorithm: Algorithm, settings: LoopSettings, ranks: Ranks) -> None:
        """The algorithm's networks are on the device already."""
        self.algorithm = algorithm
        self.optimizers = optimizers_of(algorithm)
        self.means = Means()
        self._settings = settings
        self._ranks = ranks

    def take(
        self,
        phase: Phase,
        real: Batch,
        scalars: Scalars,
        remedies: Remedies,
        times: int = 1,
    ) -> dict[str, Tensor]:
        """Train the phase's networks on ``real``, named tensors of one length, once of so many
        ``times`` in this step; gives what the phase hands on.

        Raises:
            NotFinite: a loss is infinite or not a number (on every rank, if on any).
        """
        networks = self.algorithm.networks
        trained = parameters(networks, phase.trains)
        for network in networks.values():
            network.requires_grad_(False)
        for parameter in trained:
            parameter.requires_grad_(True)
        tensors = self._tensors(phase, real, scalars, remedies)
        loss = self._loss(phase, tensors)
        optimizer = self.optimizers[phase.trains].steps
        optimizer.zero_grad(set_to_none=True)
        (loss * (phase.every if phase.lazy else 1)).backward()  # type: ignore[no-untyped-call]
        self._ranks.average_gradients(trained)
        clip = self._settings.clip_gradients or remedies.clip
        if clip is not None:
            nn.utils.clip_grad_norm_(trained, clip)
        optimizer.step()
        if phase.after is not None:
            phase.after(networks)
        self._note_verdicts(phase, tensors, times)
        return {name: tensors[name].detach() for name in phase.hands_on}

    def _tensors(self, phase: Phase, real: Batch, scalars: Scalars, remedies: Remedies) -> Tensors:
        """The batch, or the phase's share of it, with latents for it."""
        given = dict(real)
        count = len(given[CONDITION])
        if phase.batch_share < 1.0:
            count = max(1, round(count * phase.batch_share))
            given = {name: value[:count] for name, value in given.items()}
        for name, latent in self.algorithm.latents.items():
            given[name] = torch.randn(count, *latent.shape, device=self._settings.device)
        augment = diffaugment if remedies.augmented else self._settings.augment
        return Tensors(self.algorithm.networks, self.algorithm.tensors, given, scalars, augment)

    def _loss(self, phase: Phase, tensors: Tensors) -> Tensor:
        loss = torch.zeros((), device=self._settings.device)
        values: list[Tensor] = []
        with self._arithmetic(phase):
            for term in phase.terms.values():
                value = term.formula(tensors)
                loss = loss + term.weight * value
                values.append(value.detach().float())
        broken: str | None = None
        # All numbers at once: each look at one makes the host wait for the device.
        for name, number in zip(phase.terms, torch.stack(values).tolist(), strict=True):
            if not math.isfinite(number):
                broken = f"loss {phase.name}/{name} is {number}"
                break
            self.means.add(f"loss/{phase.name}/{name}", number)
        if self._ranks.any(broken is not None, self._settings.device):
            raise NotFinite(broken or "a loss of another rank is not finite")
        return loss

    def _arithmetic(self, phase: Phase) -> AbstractContextManager[object]:
        precision = self._settings.precision
        if phase.full_precision or precision is torch.float32:
            return nullcontext()
        return torch.autocast(self._settings.device.type, dtype=precision)

    def _note_verdicts(self, phase: Phase, tensors: Tensors, times: int) -> None:
        """Note the judge's accuracy on reals and fakes, in one of ``times`` repeats of a phase.

        A relativistic judge has no zero of its own, so the border is midway between its two mean
        logits; for the other losses that is near zero while the two are balanced.
        """
        augment = self._settings.augment
        for judge, (real_name, fake_name) in self.algorithm.verdicts.items():
            if judge not in phase.trains:
                continue
            real, fake = tensors.known(real_name), tensors.known(fake_name)
            if real is None or fake is None:
                continue
            real, fake = real.detach().float(), fake.detach().float()
            border = (real.mean() + fake.mean()) / 2
            self.means.add(f"accuracy/{judge}/real", float((real > border).float().mean()))
            self.means.add(f"accuracy/{judge}/fake", float((fake < border).float().mean()))
            self.means.add(f"gap/{judge}", float(real.mean() - fake.mean()))
            if isinstance(augment, Ada):
                knows = self._ranks.mean(torch.sign(real - border).mean())
                # A step counts as one batch shown, however often the judge looks.
                augment.observe(knows, self._settings.batch_size / times)
                self.means.add("augment/p", float(augment.p))
