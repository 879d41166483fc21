"""Group distributionally robust optimisation: the worst group counts most.

Sagawa et al. 2020, arXiv:1911.08731, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

RATE = 0.01
"""Step size of the groups' weights (the paper's for its image data)."""


class GroupDro:
    """A loss whose weights of the groups follow the exponentiated gradient."""

    def __init__(self, groups: int, rate: float = RATE) -> None:
        self.weights = torch.full((groups,), 1 / groups)
        """``float32 [G]``, adding up to 1."""
        self._rate = rate

    def weigh(self, losses: Tensor, groups: Tensor) -> Tensor:
        """The weighted sum of the groups' mean losses, after the weights have moved.

        ``losses float [N]``, ``groups int64 [N]``. A group without an image has the loss 0 here,
        as in the paper's algorithm, where one group is drawn for each step.
        """
        count = len(self.weights)
        known = torch.nn.functional.one_hot(groups, count).to(losses.dtype)
        means = (losses @ known) / known.sum(dim=0).clamp(min=1)
        weights = self.weights.to(losses.device) * (self._rate * means.detach()).exp()
        self.weights = weights / weights.sum()
        return (self.weights * means).sum()

    def __call__(
        self, network: nn.Module, augment: Callable[[Tensor], Tensor], pixels: Tensor, truth: Tensor
    ) -> Tensor:
        logits = network(augment(pixels))
        losses = cross_entropy(logits, truth[:, : logits.shape[1]], reduction="none")
        return self.weigh(losses.float(), truth[:, -1].long())
