"""A head that names the class, beside a critic's logit (Odena et al. 2017, arXiv:1610.09585).

A critic that is kept smooth learns slowly what a label means: its logit may say little about any
one class without losing much. A classifier on the same features learns it in hundreds of steps, and
the generator learns from it. Gulrajani et al. 2017, arXiv:1704.00028, condition their critic so.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class ClassHead(nn.Module):
    """Logits of the classes from the features of an image: one dense layer.

    It takes the features as they are. Brought to unit size, those of a critic with clipped weights,
    some hundredths large, gave the head a say in the generator that the critic had not: it drew
    what the head took for its classes, and no images.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, features) * features**-0.5)
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, features: Tensor) -> Tensor:
        """``[N, ...]`` to logits ``float32 [N, classes]``."""
        flat = features.float().flatten(1)
        with torch.autocast(flat.device.type, enabled=False):
            return linear(flat, self.weight, self.bias)


class ClassifyingDiscriminator(nn.Module):
    """A discriminator that can give its class logits along with its own, in one pass."""

    def verdict(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to ``float32 [N, 1 + classes]``: what
        :meth:`forward` gives, then the logits of the classes."""
        raise NotImplementedError
