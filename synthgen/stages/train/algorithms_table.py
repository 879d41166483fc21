"""The algorithms that can be trained, with their sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from synthgen.algorithms.contract import Algorithm
from synthgen.algorithms.registry import DEFAULT, Registration, registered
from synthgen.generators.drawing import draw, latent_size
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import Task, sampled

CLASSES, IMAGE = tuple(str(k) for k in range(10)), ImageSpec(32, 32, 3)
"""Ten classes of 32 px colour images: what sizes are given for."""


@dataclass(frozen=True)
class Sized:
    """An algorithm and its size at 32 px with its default options."""

    found: Registration
    generator: int
    """Parameters of what sampling needs."""
    judge: int
    """Parameters of one discriminator."""
    gflops: float
    """GFLOP of one sampled image (multiplications and additions counted apart)."""

    def text(self) -> str:
        """Three lines: name and paper, sizes, what it is good for."""
        mark = " (default)" if self.found.name == DEFAULT else ""
        domains = ", two domains" if self.found.takes.streams == 2 else ""
        return (
            f"{self.found.name}{mark}: {self.found.title}, {self.found.year}, {self.found.paper}\n"
            f"    at 32 px: G {self.generator:,} and D {self.judge:,} parameters, "
            f"{self.gflops:.2f} GFLOP a sample{domains}\n"
            f"    good for: {self.found.good_for}"
        )


def sized_algorithms() -> Iterator[Sized]:
    """All registered algorithms in alphabetical order, built one after another."""
    for found in registered().values():
        task = found.takes.task(CLASSES, IMAGE)
        built = found.build(task, found.options.parse({}))
        for network in built.networks.values():
            network.eval().requires_grad_(False)
        judge = built.networks[built.judges[0] if built.judges else next(iter(built.verdicts))]
        yield Sized(found, _parameters(built), sum(p.numel() for p in judge.parameters()),
                    _gflops(built, task))  # fmt: skip


def _parameters(built: Algorithm) -> int:
    seen = {
        id(p): p.numel() for name in built.generators for p in built.networks[name].parameters()
    }
    return sum(seen.values())


def _gflops(built: Algorithm, task: Task) -> float:
    further = {}
    for name in task.given:
        dtype, shape = task.fields[name].stored()
        row = torch.zeros(1, *shape, dtype=getattr(torch, dtype))
        further[name] = task.fields[name].tensor(row)
    given = sampled(task, torch.zeros(1, dtype=torch.int64), further)
    with FlopCounterMode(display=False) as counter:
        draw(built, built.networks, torch.zeros(1, latent_size(built)), given, torch.float32)
    return float(counter.get_total_flops()) / 1e9
