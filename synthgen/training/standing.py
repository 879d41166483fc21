"""Standing statistics: batch norms of a generator set from many fresh batches.

Brock et al. 2018, arXiv:1809.11096, appendix C.1. The averaged generator never ran in training
mode, so the statistics that it inherited are those of other weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def standing_statistics(
    networks: Mapping[str, nn.Module], run_batch: Callable[[int], object], batches: int
) -> bool:
    """Replace the running statistics by means over ``run_batch(0) … run_batch(batches - 1)``.

    ``run_batch`` runs the networks on the batch of that number. Everything but the batch norms
    stays in evaluation mode. Whether there was any batch norm.
    """
    norms = [m for n in networks.values() for m in n.modules() if isinstance(m, _BatchNorm)]
    if not norms:
        return False
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's way to say: the plain mean over all batches
        norm.train()
    for number in range(batches):
        run_batch(number)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
    return True
