"""Several processes of ``torchrun``, one device each: equal weights, averaged gradients."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Ranks:
    """Which process this is, of how many. ``Ranks()`` is the only process."""

    rank: int = 0
    count: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.rank == 0

    def average_gradients(self, trained: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over all ranks, in one exchange."""
        if self.count == 1:
            return
        gradients = [p.grad for p in trained if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        flat /= self.count
        offset = 0
        for gradient in gradients:
            gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
            offset += gradient.numel()

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a tensor over all ranks."""
        if self.count == 1:
            return value
        value = value.clone()
        dist.all_reduce(value)
        return value / self.count

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether ``flag`` is set on any rank: the same answer on every rank."""
        if self.count == 1:
            return flag
        return bool(self.mean(torch.tensor(float(flag), device=device)) > 0)

    def agree(self, mine: str | None) -> str | None:
        """The first text that any rank has to say; the same answer on every rank."""
        if self.count == 1:
            return mine
        all_of_them: list[str | None] = [None] * self.count
        dist.all_gather_object(all_of_them, mine)
        return next((text for text in all_of_them if text is not None), None)

    def wait(self) -> None:
        """Return when every rank has come here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def ranks() -> Iterator[Ranks]:
    """The ranks ``torchrun`` started (from its environment), or the single process."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks()
        return
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Ranks(dist.get_rank(), count, int(os.environ.get("LOCAL_RANK", "0")))
    finally:
        dist.destroy_process_group()
