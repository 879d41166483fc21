"""The one training loop: runs an algorithm's phases on batches of real images.

The clock is real images shown. Everything random in a step comes from a seed made of the run's
seed,
the images shown and the rank, so the state of a run is its weights, its optimisers and one number.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from synthgen.algorithms.contract import Algorithm, Augment, Phase, Tensors
from synthgen.networks.placement import place
from synthgen.training.ada import Ada
from synthgen.training.augment import diffaugment
from synthgen.training.batches import RealBatches
from synthgen.training.distributed import Ranks
from synthgen.training.ema import Averaged
from synthgen.training.optimizers import optimizers_of, parameters
from synthgen.training.pace import Pace


@dataclass
class Means:
    """Running means of what a run reports between two ticks."""

    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + value
        self.counts[name] = self.counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """The means by name; starts over."""
        means = {name: self.sums[name] / self.counts[name] for name in self.sums}
        self.sums.clear()
        self.counts.clear()
        return means


@dataclass(frozen=True)
class Remedies:
    """What has been changed to keep a run from falling over again; see ``training/watch.py``."""

    attempt: int = 0
    """Rollbacks so far: enters the seed of every step, so that a step taken again is another."""
    lr: float = 1.0
    """Factor on all learning rates."""
    penalty: float = 1.0
    """Factor on the schedule ``"gamma"``."""
    clip: float | None = None
    """Largest gradient norm, if the settings give none."""
    augmented: bool = False
    """Whether D's images are augmented though the settings do not say so."""


class NotFinite(Exception):
    """A loss became infinite or not a number."""


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
        batches: RealBatches,
        *,
        images: int,
        batch_size: int,
        seed: int,
        ema_half_life: float,
        augment: Augment,
        precision: torch.dtype,
        device: torch.device,
        clip_gradients: float | None = None,
        lr_at: Callable[[float], float] = lambda progress: 1.0,
        ranks: Ranks = Ranks(),  # noqa: B008 - frozen
        sources: RealBatches | None = None,
    ) -> None:
        """``batch_size`` is over all ranks; ``images`` is the budget that progress is measured by.

        ``lr_at`` gives the factor on all learning rates at a progress in [0, 1]; ``sources`` are
        the images of the other domain, for an algorithm that has two.

        Raises:
            ValueError: the batch does not divide over the ranks.
        """
        if batch_size % ranks.count:
            raise ValueError(f"a batch of {batch_size} does not divide over {ranks.count} ranks")
        self.algorithm = algorithm
        self.pace = Pace(images)
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.shown = 0
        self.steps = 0
        self.means = Means()
        self.remedies = Remedies()
        self.augment = augment
        if isinstance(augment, nn.Module):
            augment.to(device)
        for network in algorithm.networks.values():
            place(network, device)
        self.averaged = Averaged(
            {name: algorithm.networks[name] for name in algorithm.generators},
            ema_half_life,
            exact=frozenset(algorithm.schedules),
        )
        self.optimizers = optimizers_of(algorithm)
        self._batches = batches
        self._seed = seed
        self._sources = sources
        self._clip = clip_gradients
        self._lr_at = lr_at
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
        attempt = self.remedies.attempt
        torch.manual_seed(step_seed(self._seed, self.shown, self._ranks.rank, attempt))
        real = self._real(start, local)
        scalars = {n: s.at(self.progress) for n, s in self.algorithm.schedules.items()}
        self._set_buffers(scalars)
        if "gamma" in scalars:
            scalars["gamma"] *= self.remedies.penalty
        factor = self._lr_at(self.progress) * scalars.get("lr", 1.0) * self.remedies.lr
        for optimizer in self.optimizers.values():
            optimizer.scale(factor)
        for phase in self.algorithm.phases:
            first, last = phase.window
            active = first <= self.progress < last or (last >= 1.0 and self.progress >= first)
            if active and self.steps % phase.every == 0:
                self._forget(phase)
                for repeat in range(phase.times):
                    if repeat:
                        # A critic's extra steps look at images of the run's future, at random.
                        real = self._real(int(torch.randint(2**40, ()).item()), local)
                    self._run(phase, real, scalars)
        self.shown += self.batch_size
        self.steps += 1
        self.averaged.follow(self.algorithm.networks, self.shown, self.batch_size)

    def _real(self, start: int, count: int) -> dict[str, Tensor]:
        """Real images and labels from a position on, of one domain or both."""
        image, label = self._batches.at(start, count, self.device)
        if self._sources is None:
            return {"image": image, "label": label}
        source, source_label = self._sources.at(start, count, self.device)
        return {"image": image, "label": label, "source": source, "source_label": source_label}

    def _forget(self, phase: Phase) -> None:
        """Empty the phase's optimiser if one of its ``resets`` lies within this step."""
        after = self.pace.at(self.shown + self.batch_size)
        if any(self.progress <= at < after for at in phase.resets):
            self.optimizers[phase.trains].steps.state.clear()

    def _run(self, phase: Phase, real: Mapping[str, Tensor], scalars: Mapping[str, float]) -> None:
        networks = self.algorithm.networks
        trained = parameters(networks, phase.trains)
        for network in networks.values():
            network.requires_grad_(False)
        for parameter in trained:
            parameter.requires_grad_(True)
        given = dict(real)
        count = len(given["image"])
        if phase.batch_share < 1.0:
            count = max(1, round(count * phase.batch_share))
            given = {name: value[:count] for name, value in given.items()}
        for name, latent in self.algorithm.latents.items():
            given[name] = torch.randn(count, *latent.shape, device=self.device)
        augment = diffaugment if self.remedies.augmented else self.augment
        tensors = Tensors(networks, self.algorithm.tensors, given, scalars, augment)
        loss = torch.zeros((), device=self.device)
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
        if self._ranks.any(broken is not None, self.device):
            raise NotFinite(broken or "a loss of another rank is not finite")
        optimizer = self.optimizers[phase.trains].steps
        optimizer.zero_grad(set_to_none=True)
        (loss * (phase.every if phase.lazy else 1)).backward()  # type: ignore[no-untyped-call]
        self._ranks.average_gradients(trained)
        clip = self._clip or self.remedies.clip
        if clip is not None:
            nn.utils.clip_grad_norm_(trained, clip)
        optimizer.step()
        if phase.after is not None:
            phase.after(networks)
        self._note_verdicts(phase, tensors)

    def _arithmetic(self, phase: Phase) -> AbstractContextManager[object]:
        if phase.full_precision or self.precision is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.precision)

    def _set_buffers(self, scalars: Mapping[str, float]) -> None:
        """Schedules named ``network.buffer`` set that buffer; the rest are ``Tensors.scalar``."""
        for name, value in scalars.items():
            network, dot, buffer = name.partition(".")
            if dot:
                self.algorithm.networks[network].get_buffer(buffer).fill_(value)

    def _note_verdicts(self, phase: Phase, tensors: Tensors) -> None:
        """The judge's accuracy on reals and fakes.

        A relativistic judge has no zero of its own, so the border is midway between its two mean
        logits; for the other losses that is near zero while the two are balanced.
        """
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
            if isinstance(self.augment, Ada):
                knows = self._ranks.mean(torch.sign(real - border).mean())
                self.augment.observe(knows, self.batch_size)
                self.means.add("augment/p", float(self.augment.p))
