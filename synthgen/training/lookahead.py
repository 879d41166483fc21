"""Weights that look ahead: a slow copy follows, and at times takes the fast ones back.

Zhang et al. 2019 (arXiv:1907.08610), algorithm 1, with a pace that falls as training ends, as in
Jordan 2024 (arXiv:2404.00498).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EVERY = 5
"""Steps between two meetings of slow and fast weights."""
KEEP = 0.95
"""Share of the slow weights that stays at each step's worth, late in training."""
LEAST = 40
"""Steps of a training that is long enough for slow weights to follow; a shorter one has none."""


class Lookahead:
    """Slow weights beside those of a network that is being trained."""

    def __init__(self, network: nn.Module, steps: int) -> None:
        """``steps`` is the length of the training."""
        self._network, self._steps = network, steps
        self._slow = [value.clone() for value in self._fast()]

    def _fast(self) -> list[Tensor]:
        return [v for v in self._network.state_dict().values() if v.is_floating_point()]

    @torch.no_grad()
    def after(self, step: int) -> None:
        """To be called after each step, counted from 0; after the last the network has the slow
        weights."""
        last = step + 1 == self._steps
        if self._steps < LEAST or ((step + 1) % EVERY and not last):
            return
        keep = 1.0 if last else KEEP**EVERY * ((step + 1) / self._steps) ** 3
        fast = self._fast()
        torch._foreach_lerp_(self._slow, fast, 1.0 - keep)
        for value, slow in zip(fast, self._slow, strict=True):
            value.copy_(slow)
