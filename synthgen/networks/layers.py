"""Layers that several network families share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu

from synthgen.networks.condition import embed, start
from synthgen.networks.equalized import EqualLinear
from synthgen.spec.task import Task

ACTIVATION_GAIN = 2**0.5
"""Keeps the second moment through a leaky ReLU of slope 0.2, near enough.

It goes into kernels and small tensors, never over a feature map: a pass over memory costs more than
the arithmetic.
"""


def activate(features: Tensor) -> Tensor:
    """Leaky ReLU, slope 0.2."""
    return leaky_relu(features, 0.2)


class StyledConv(nn.Module):
    """3x3 convolution whose input channels are scaled by a style and whose output is demodulated.

    Equal to StyleGAN2's modulated and demodulated kernel (Karras et al. 2019, arXiv:1912.04958,
    equations 1 and 3), with the two scales applied to the features in place of the kernel, so that
    one ordinary convolution serves the whole batch. The output has the power that activate()
    halves.

    ``equalized`` stores weights of unit variance. The kernel needs no scale for it: demodulation
    takes any scale away.
    """

    def __init__(
        self, inputs: int, outputs: int, style: int, kernel: int = 3, equalized: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        if not equalized:
            self.weight.data /= (inputs * kernel * kernel) ** 0.5
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.style: nn.Module
        if equalized:
            self.style = EqualLinear(style, inputs, bias=1.0)
        else:
            self.style = nn.Linear(style, inputs)
            nn.init.normal_(self.style.weight, std=style**-0.5)
            nn.init.ones_(self.style.bias)
        self._baked_power: Tensor | None = None

    def bake(self) -> None:
        """Sum the kernel's squares once."""
        self._baked_power = self._power()

    def _power(self) -> Tensor:
        """``float32 [outputs, inputs]``: the kernel's squares over its taps."""
        return self.weight.float().square().sum(dim=(2, 3))

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """``[N, inputs, H, W]`` and ``[N, style]`` to ``[N, outputs, H, W]``, not yet activated."""
        scale = self.style(style).float()  # [N, inputs]
        power = self._power() if self._baked_power is None else self._baked_power
        with torch.autocast(features.device.type, enabled=False):
            norm = (scale.square() @ power.t() + 1e-8).sqrt()
            demodulate = ACTIVATION_GAIN / norm  # [N, outputs]
        features = features * scale[:, :, None, None].to(features.dtype)
        features = conv2d(
            features, self.weight.to(features.dtype), padding=self.weight.shape[2] // 2
        )
        demodulate = demodulate[:, :, None, None].to(features.dtype)
        return torch.addcmul(
            self.bias[None, :, None, None].to(features.dtype), features, demodulate
        )


class ConditionEmbedding(nn.Module):
    """A vector for what is given, of unit second moment at the start."""

    def __init__(self, task: Task, size: int) -> None:
        super().__init__()
        self.table = embed(task, size)

    def forward(self, condition: Tensor) -> Tensor:
        """The task's condition ``[N, ...]`` to ``float [N, size]``."""
        vectors: Tensor = self.table(condition)
        return vectors


class ProjectionHead(nn.Module):
    """Logit from features plus their inner product with the condition's embedding.

    Projection discriminator: Miyato & Koyama 2018, arXiv:1802.05637, equation 4. ``equalized``
    stores weights of unit variance.
    """

    def __init__(self, features: int, task: Task, equalized: bool = False) -> None:
        super().__init__()
        self.linear = EqualLinear(features, 1) if equalized else nn.Linear(features, 1)
        self.embedding = embed(task, features)
        self.scale = features**-0.5
        if not equalized:
            start(self.embedding, std=0.5)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """``[N, features]`` and the task's condition to logits ``float32 [N]``."""
        features = features.float()
        with torch.autocast(features.device.type, enabled=False):
            matched = (features * self.embedding(condition)).sum(dim=1) * self.scale
            logits: Tensor = self.linear(features).squeeze(1) + matched
        return logits
