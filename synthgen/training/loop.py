"""The one training loop: runs an algorithm's phases on batches of real images.

The clock is real images shown. Everything random in a step comes from a seed made of the run's
seed, the images shown and the rank, so the state of a run is its weights, its optimisers and one
number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from synthgen.algorithms.contract import Algorithm, Phase
from synthgen.machine.devices import seed_generators
from synthgen.networks.placement import place
from synthgen.training.batches import BEYOND, TaskBatches
from synthgen.training.distributed import Ranks
from synthgen.training.ema import Averaged
from synthgen.training.pace import Pace
from synthgen.training.phase_step import LoopSettings, PhaseStep
from synthgen.training.remedies import Remedies


def step_seed(seed: int, shown: int, rank: int, attempt: int = 0) -> int:
    """A 63-bit seed for one step of one rank: unrelated for neighbouring steps."""
    again = f":{attempt}" if attempt else ""
    text = f"{seed}:{shown}:{rank}{again}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class Training:
    """An algorithm in training. ``shown`` counts real images; :meth:`step` shows one batch."""

    def __init__(
        self,
        algorithm: Algorithm,
        batches: TaskBatches,
        settings: LoopSettings,
        *,
        ranks: Ranks = Ranks(),  # noqa: B008 - frozen
    ) -> None:
        """``batches`` are of the task that the algorithm is built for.

        Raises:
            ValueError: the batch does not divide over the ranks.
        """
        if settings.batch_size % ranks.count:
            raise ValueError(
                f"a batch of {settings.batch_size} does not divide over {ranks.count} ranks"
            )
        self.algorithm = algorithm
        self.pace = Pace(settings.images)
        self.batch_size = settings.batch_size
        self.device = settings.device
        self.precision = settings.precision
        self.augment = settings.augment
        self.shown = 0
        self.steps = 0
        self.remedies = Remedies()
        if isinstance(self.augment, nn.Module):
            self.augment.to(self.device)
        for network in algorithm.networks.values():
            place(network, self.device)
        self.averaged = Averaged(
            {name: algorithm.networks[name] for name in algorithm.generators},
            settings.ema_half_life,
            exact=frozenset(algorithm.schedules),
        )
        self._phases = PhaseStep(algorithm, settings, ranks)
        self.optimizers = self._phases.optimizers
        self.means = self._phases.means
        self._batches = batches
        self._settings = settings
        self._ranks = ranks

    @property
    def progress(self) -> float:
        """Share of the budget that is done, in [0, 1]."""
        return self.pace.at(self.shown)

    def step(self) -> None:
        """Show one batch: run every phase whose turn it is, then move the average.

        Raises:
            NotFinite: a loss is infinite or not a number (on every rank, if on any).
        """
        local = self.batch_size // self._ranks.count
        start = self.shown + self._ranks.rank * local
        seed, attempt = self._settings.seed, self.remedies.attempt
        seed_generators(step_seed(seed, self.shown, self._ranks.rank, attempt), self.device)
        real = self._batches.at(start, local, self.device)
        scalars = {n: s.at(self.progress) for n, s in self.algorithm.schedules.items()}
        self._set_buffers(scalars)
        if "gamma" in scalars:
            scalars["gamma"] *= self.remedies.penalty
        factor = self._settings.lr_at(self.progress) * scalars.get("lr", 1.0) * self.remedies.lr
        for optimizer in self.optimizers.values():
            optimizer.scale(factor)
        for phase in self.algorithm.phases:
            first, last = phase.window
            active = first <= self.progress < last or (last >= 1.0 and self.progress >= first)
            if active and self.steps % phase.every == 0:
                self._forget(phase)
                times = phase.burst.at(self.steps, phase.times) if phase.burst else phase.times
                for repeat in range(times):
                    if repeat:
                        # A critic's extra steps look at images of anywhere, at random.
                        anywhere = BEYOND + int(torch.randint(2**40, ()).item())
                        real = self._batches.at(anywhere, local, self.device)
                    handed = self._phases.take(phase, real, scalars, self.remedies, times)
                real |= handed
        self.shown += self.batch_size
        self.steps += 1
        self.averaged.follow(self.algorithm.networks, self.shown, self.batch_size)

    def shown_at(self, start: int, count: int) -> dict[str, Tensor]:
        """The tensors of ``count`` real rows from a position on, by name."""
        return self._batches.at(start, count, self.device)

    def _forget(self, phase: Phase) -> None:
        """Empty the phase's optimiser if one of its ``resets`` lies within this step."""
        after = self.pace.at(self.shown + self.batch_size)
        if any(self.progress <= at < after for at in phase.resets):
            self.optimizers[phase.trains].steps.state.clear()

    def _set_buffers(self, scalars: Mapping[str, float]) -> None:
        """Schedules named ``network.buffer`` set that buffer; the rest are ``Tensors.scalar``."""
        for name, value in scalars.items():
            network, dot, buffer = name.partition(".")
            if dot:
                self.algorithm.networks[network].get_buffer(buffer).fill_(value)
