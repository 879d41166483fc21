"""Networks on their device, laid out as its convolutions like it."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


def place(network: N, device: torch.device) -> N:
    """Move ``network`` to ``device`` with its kernels in channels-last order; gives it back. Those
    of volumes stay as they are, and what lies beside them."""
    if any(weight.ndim == 5 for weight in network.parameters()):
        network.to(device)
    else:
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
