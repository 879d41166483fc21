"""The exponential moving average of the generators: what is scored, drawn and kept."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Averaged:
    """A copy of the networks that follows them with a half-life counted in images.

    The half-life grows with the run, as ``share`` of the images shown so far, so that the average
    forgets its beginnings (the ramp-up of Karras et al. 2020, arXiv:2006.06676, appendix).
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        share: float,
        exact: frozenset[str] = frozenset(),
    ) -> None:
        """``exact`` holds ``network.buffer`` names that are copied, not averaged."""
        self.networks = {
            name: copy.deepcopy(network).requires_grad_(False).eval()
            for name, network in networks.items()
        }
        self._share = share
        self._exact = exact

    @torch.no_grad()
    def follow(self, networks: Mapping[str, nn.Module], shown: int, batch: int) -> None:
        """Move towards ``networks`` after a step of ``batch`` images, ``shown`` in all."""
        half_life = max(self._share * shown, 1e-8)
        keep = 0.5 ** (batch / half_life)
        for name, averaged in self.networks.items():
            mine = averaged.state_dict()
            moved: tuple[list[Tensor], list[Tensor]] = [], []
            for key, value in networks[name].state_dict().items():
                if value.is_floating_point() and f"{name}.{key}" not in self._exact:
                    moved[0].append(mine[key])
                    moved[1].append(value)
                else:
                    mine[key].copy_(value)
            # One kernel on a device, not one for each tensor.
            torch._foreach_lerp_(moved[0], moved[1], 1.0 - keep)
