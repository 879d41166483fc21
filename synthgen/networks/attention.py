"""Self-attention over the places of a feature map."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

Wrap = Callable[[nn.Module], nn.Module]


class SelfAttention(nn.Module):
    """Every place gathers from all others; a learnt gain, 0 at the start, adds what it gathered.

    Zhang et al. 2018, arXiv:1805.08318, section 3, with keys and values pooled 2x2 as in the
    authors' code. ``wrap`` goes around each 1x1 convolution (spectral norm).
    """

    def __init__(self, width: int, wrap: Wrap) -> None:
        super().__init__()
        narrow = max(1, width // 8)
        self.query = wrap(nn.Conv2d(width, narrow, 1, bias=False))
        self.key = wrap(nn.Conv2d(width, narrow, 1, bias=False))
        self.value = wrap(nn.Conv2d(width, width // 2, 1, bias=False))
        self.out = wrap(nn.Conv2d(width // 2, width, 1, bias=False))
        self.gain = nn.Parameter(torch.zeros(()))

    def weights(self, features: Tensor) -> Tensor:
        """Attention ``[N, places, pooled places]``: each row sums to one."""
        query = self.query(features).flatten(2)  # [N, narrow, places]
        key = max_pool2d(self.key(features), 2).flatten(2)  # [N, narrow, pooled places]
        attention: Tensor = (query.transpose(1, 2) @ key).softmax(dim=2)
        return attention

    def forward(self, features: Tensor) -> Tensor:
        """``[N, width, H, W]`` to the same shape."""
        value = max_pool2d(self.value(features), 2).flatten(2)  # [N, width / 2, pooled places]
        gathered = value @ self.weights(features).transpose(1, 2)  # [N, width / 2, places]
        gathered = gathered.reshape(len(features), -1, *features.shape[2:])
        out: Tensor = features + self.gain * self.out(gathered)
        return out
