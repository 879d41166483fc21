"""Networks on their device, laid out as its convolutions like it."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


def place(network: N, device: torch.device) -> N:
    """Move ``network`` to ``device`` with its kernels in channels-last order; gives it back."""
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
