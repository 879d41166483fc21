"""An algorithm as data: named networks, named tensors, and the phases that train them.

The training loop (``synthgen/training/loop.py``) and the generator (``synthgen/generators``) read
these records; neither knows any algorithm by name. Sampling evaluates the same tensors as training
does, with latents handed in instead of drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from synthgen.spec.errors import SynthgenError, did_you_mean, name_list

Augment = Callable[[Tensor], Tensor]


class Tensors:
    """The tensors of one phase of one step, computed on first use and kept until the phase ends.

    The task's fields by name, as networks take them: ``t["image"]`` is ``float [N, C, H, W]`` in
    [-1, 1]. ``t["condition"]`` is all that is given as an index or a vector
    (:meth:`synthgen.spec.task.Task.condition`); what a second stream, known by its first field,
    has of its own is ``t["condition/source"]``. An algorithm's own names follow. A fake used by two
    terms is made once.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        formulas: Mapping[str, Callable[[Tensors], Tensor]],
        given: Mapping[str, Tensor],
        scalars: Mapping[str, float],
        augment: Augment,
    ) -> None:
        self.networks = networks
        self.augment = augment
        self._formulas = formulas
        self._known = dict(given)
        self._scalars = scalars

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._known:
            if name not in self._formulas:
                raise KeyError(f"no tensor '{name}': it is neither given nor has a formula")
            self._known[name] = self._formulas[name](self)
        return self._known[name]

    def known(self, name: str) -> Tensor | None:
        """The tensor if it has been computed in this phase, else ``None``."""
        return self._known.get(name)

    def call(self, network: str, *inputs: Tensor) -> Tensor:
        """The output of a network by its name."""
        output: Tensor = self.networks[network](*inputs)
        return output

    def scalar(self, name: str) -> float:
        """The present value of the schedule of this name."""
        return self._scalars[name]


Formula = Callable[[Tensors], Tensor]


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980). ``lr`` is multiplied by the schedule ``"lr"``."""

    lr: float
    betas: tuple[float, float] = (0.0, 0.99)
    eps: float = 1e-8

    def beside_a_lazy_phase(self, every: int) -> Adam:
        """Adam with rate and betas scaled so that a lazy phase beside it changes nothing else.

        The lazy phase takes one step more in ``every`` steps of the same optimiser.

        Karras et al. 2019, arXiv:1912.04958, appendix B, "Lazy regularization".
        """
        share = every / (every + 1)
        first, second = self.betas
        return Adam(self.lr * share, (first**share, second**share), self.eps)


@dataclass(frozen=True)
class RMSProp:
    """RMSProp (Hinton 2012), the optimiser of the first WGAN."""

    lr: float
    alpha: float = 0.99
    eps: float = 1e-8


@dataclass(frozen=True)
class Term:
    """One summand of a phase's loss: ``weight * formula(tensors)``; the formula gives a scalar."""

    weight: float
    formula: Formula


@dataclass(frozen=True)
class Burst:
    """Repeats of a phase within some steps: ``times`` of them in the first ``first`` steps and in
    every ``every``-th."""

    times: int
    first: int
    every: int

    def at(self, step: int, otherwise: int) -> int:
        """Repeats in the step of this number, counted from 0; ``otherwise`` in most of them."""
        return self.times if step < self.first or step % self.every == 0 else otherwise


@dataclass(frozen=True)
class Phase:
    """Minimise the sum of ``terms`` over the parameters of ``trains``.

    Only those networks require gradients while the phase runs. Phases that train the same networks
    share one optimiser: it is taken from the first phase that names it.
    """

    name: str
    trains: tuple[str, ...]
    terms: Mapping[str, Term]
    optimizer: Adam | RMSProp | None = None
    """``None`` for a phase whose networks another phase has given an optimiser."""
    every: int = 1
    """Run in every ``every``-th step."""
    lazy: bool = False
    """Multiply the terms by ``every``: a regulariser run more rarely keeps its strength."""
    times: int = 1
    """Repeat within a step, each time with a fresh batch."""
    burst: Burst | None = None
    """Steps that repeat the phase more often than ``times``."""
    window: tuple[float, float] = (0.0, 1.0)
    """Share of the run in which the phase is active."""
    full_precision: bool = False
    """Compute in float32: penalties that are differentiated twice."""
    batch_share: float = 1.0
    """Share of the batch the phase looks at: penalties are often as good on half of it."""
    resets: tuple[float, ...] = ()
    """Shares of the run at which the optimiser of ``trains`` forgets its moments."""
    hands_on: tuple[str, ...] = ()
    """Tensors that the step's later phases get as they are here, detached, in place of computing
    them anew with networks that have moved since. For a phase that is not repeated, on the whole
    batch."""
    after: Callable[[Mapping[str, nn.Module]], None] | None = None
    """Called after the optimiser's step, for example to clip weights."""


@dataclass(frozen=True)
class Schedule:
    """Linear from ``first`` to ``last`` while progress goes from ``start`` to ``end``."""

    first: float
    last: float
    start: float = 0.0
    end: float = 1.0

    def at(self, progress: float) -> float:
        """The value at ``progress`` in [0, 1] of the run's images."""
        if self.end <= self.start:
            return self.first if progress < self.start else self.last
        share = (progress - self.start) / (self.end - self.start)
        return self.first + (self.last - self.first) * min(1.0, max(0.0, share))


@dataclass(frozen=True)
class Piecewise:
    """Linear between ``points`` (progress, value), in order of progress; flat outside of them."""

    points: tuple[tuple[float, float], ...]

    def at(self, progress: float) -> float:
        """The value at ``progress`` in [0, 1] of the run's images."""
        before = self.points[0]
        for point in self.points:
            if progress < point[0]:
                if point is before:
                    return point[1]
                share = (progress - before[0]) / (point[0] - before[0])
                return before[1] + (point[1] - before[1]) * share
            before = point
        return before[1]


@dataclass(frozen=True)
class Normal:
    """A latent input: ``shape`` independent standard normal numbers per image."""

    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        total = 1
        for side in self.shape:
            total *= side
        return total


@dataclass(frozen=True)
class Algorithm:
    """Everything the loop and the generator need to know about a GAN."""

    networks: Mapping[str, nn.Module]
    latents: Mapping[str, Normal]
    """Drawn anew for every step in training, handed in when sampling."""
    tensors: Mapping[str, Formula]
    phases: tuple[Phase, ...]
    samples: Mapping[str, str]
    """Dataset column to tensor name: what sampling evaluates, ``{"image": "fake"}`` at least."""
    generators: tuple[str, ...] = ("G",)
    """Networks that sampling needs: they are averaged (EMA) and go into the bundle."""
    judges: tuple[str, ...] = ("D",)
    """Networks that may be kept beside them, to score realism. The first one judges the column
    ``image``: called with images ``float [N, C, H, W]`` in [-1, 1] and their condition it
    gives logits ``float [N]`` or ``[N, patches]``, higher for real ones."""
    verdicts: Mapping[str, tuple[str, str]] = field(
        default_factory=lambda: {"D": ("real_logits", "fake_logits")}
    )
    """Judge to the names of its logits on reals and fakes: its accuracy is logged from them."""
    schedules: Mapping[str, Schedule | Piecewise] = field(default_factory=dict)
    """``"lr"`` scales learning rates; ``"G.lod"`` sets a buffer; any other is
    ``Tensors.scalar``."""
    inputs: tuple[str, ...] = ()
    """Given fields, beside those in the condition, that sampling needs: ``("source",)``."""
    augments: bool = True
    """Whether its judges' images go through ``Tensors.augment``."""
    truncates: bool = False
    """Whether a formula reads ``scalar("truncation")`` (1 is off); else latents are truncated."""

    @property
    def starts(self) -> frozenset[float]:
        """Shares of the run, above 0, at which a phase begins."""
        return frozenset(phase.window[0] for phase in self.phases) - {0.0}

    @property
    def last_start(self) -> float:
        """Share of the run at which the last of its phases begins, 0 to 1: states before it are
        not what the algorithm is meant to end in."""
        return max(phase.window[0] for phase in self.phases)

    def __post_init__(self) -> None:
        """Look whether the phases fit together.

        Raises:
            SynthgenError: a phase trains what is no network, or networks of which another phase
                trains some but not all: their parameters would have two optimisers.
        """
        for phase in self.phases:
            for name in phase.trains:
                if name not in self.networks:
                    raise SynthgenError(
                        f"phase '{phase.name}' trains '{name}', which is no network of the "
                        f"algorithm (it has {name_list(self.networks)})"
                        f"{did_you_mean(name, self.networks)}"
                    )
            for other in self.phases:
                if phase.trains != other.trains and set(phase.trains) & set(other.trains):
                    raise SynthgenError(
                        f"phases '{phase.name}' and '{other.name}' train networks in common, "
                        f"{name_list(phase.trains)} and {name_list(other.trains)}: name the same "
                        "ones in the same order, or none of them twice"
                    )


class Build(Protocol):
    """What a registered file gives: the algorithm for a task and its own validated options."""

    def __call__(self, task: Any, options: Any) -> Algorithm: ...
