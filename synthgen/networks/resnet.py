"""Residual networks with conditional batch norm and spectral norm: SAGAN's and BigGAN's family.

The block of Miyato et al. 2018, arXiv:1802.05957, appendix B; spectral norm in both networks as in
Zhang et al. 2018, arXiv:1805.08318. At 32 px the parameter counts are those published.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu
from torch.nn.utils.parametrizations import spectral_norm

from synthgen.networks.attention import SelfAttention
from synthgen.networks.canvas import Canvas
from synthgen.networks.class_norm import ClassGains
from synthgen.networks.condition import Mixed, embed
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import Task

M = TypeVar("M", bound=nn.Module)


def spectral(layer: M) -> M:
    """The layer with its largest singular value kept at one by power iteration."""
    normed: M = spectral_norm(layer, eps=1e-6)  # type: ignore[assignment]
    return normed


def spectral_embedding(task: Task, size: int) -> nn.Module:
    """The condition's embedding, each of its layers as :func:`spectral` makes it."""
    module = embed(task, size)
    if not isinstance(module, Mixed):
        return spectral(module)
    for layer in [*module.tables, *filter(None, [module.linear])]:
        spectral(layer)
    return module


class VectorGains(nn.Module):
    """Batch norm whose gains and offsets are linear in a vector: BigGAN, appendix B."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.gain = spectral(nn.Linear(size, width, bias=False))
        self.offset = spectral(nn.Linear(size, width, bias=False))

    def forward(self, features: Tensor, vector: Tensor) -> Tensor:
        """``[N, width, H, W]`` and ``[N, size]`` to the shape of the features."""
        gain, offset = 1.0 + self.gain(vector), self.offset(vector)
        normed: Tensor = self.norm(features)
        return torch.addcmul(offset[:, :, None, None], normed, gain[:, :, None, None])


class UpBlock(nn.Module):
    """Norm, ReLU, double, convolve, norm, ReLU, convolve; beside a 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, norms: tuple[nn.Module, nn.Module]) -> None:
        super().__init__()
        self.first_norm, self.second_norm = norms
        self.first = spectral(nn.Conv2d(inputs, outputs, 3, padding=1))
        self.second = spectral(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.shortcut = spectral(nn.Conv2d(inputs, outputs, 1))

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        branch = relu(self.first_norm(features, condition))
        branch = self.first(interpolate(branch, scale_factor=2.0))
        branch = self.second(relu(self.second_norm(branch, condition)))
        # A 1x1 convolution and nearest doubling commute: the cheaper order.
        shortcut: Tensor = interpolate(self.shortcut(features), scale_factor=2.0)
        return torch.add(shortcut, branch)


class DownBlock(nn.Module):
    """ReLU, convolve, ReLU, convolve, halve; the shortcut is learnt where shapes change."""

    def __init__(self, inputs: int, outputs: int, halve: bool, first: bool = False) -> None:
        super().__init__()
        self.halve, self.on_image = halve, first
        self.first = spectral(nn.Conv2d(inputs, outputs, 3, padding=1))
        self.second = spectral(nn.Conv2d(outputs, outputs, 3, padding=1))
        learnt = halve or inputs != outputs
        self.shortcut = spectral(nn.Conv2d(inputs, outputs, 1)) if learnt else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        branch: Tensor = features if self.on_image else relu(features)
        branch = self.second(relu(self.first(branch)))
        shortcut: Tensor = self.shortcut(features)
        if not self.halve:
            return branch + shortcut
        return avg_pool2d(branch, 2) + avg_pool2d(shortcut, 2)


def block_widths(canvas: Canvas, width: int) -> list[int]:
    """Channels from the base to the full side: constant up to 32 px, then halved per doubling."""
    sides = [canvas.base << level for level in range(canvas.levels + 1)]
    return [max(8, width * 32 // max(side, 32)) for side in sides]


class UpwardGenerator(nn.Module):
    """A dense layer, blocks that double the side, attention near the end: SAGAN's and BigGAN's."""

    def build(
        self, image: ImageSpec, first: int, width: int, norm: Callable[[int], nn.Module]
    ) -> None:
        """Make the layers: ``first`` numbers enter the dense one, ``norm`` makes a norm with
        conditional gains for features of so many channels."""
        self.canvas = Canvas.for_image(image)
        widths = block_widths(self.canvas, width)
        self.attend_after = max(0, self.canvas.levels - 2)
        self.base_width = widths[0]
        self.start = spectral(nn.Linear(first, widths[0] * self.canvas.base**2))
        self.blocks = nn.ModuleList(UpBlock(a, b, (norm(a), norm(b))) for a, b in pairwise(widths))
        self.attention = SelfAttention(
            widths[min(self.attend_after + 1, len(widths) - 1)], spectral
        )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = spectral(nn.Conv2d(widths[-1], image.channels, 3, padding=1))
        orthogonal(self)

    def drawn(self, first: Tensor, conditions: Sequence[Tensor]) -> Tensor:
        """Images ``float [N, C, H, W]`` in [-1, 1] from the dense layer's input ``float [N, k]``
        and for each block the condition of its norms."""
        base = self.canvas.base
        features = self.start(first).reshape(-1, self.base_width, base, base)
        for level, (block, condition) in enumerate(zip(self.blocks, conditions, strict=True)):
            features = block(features, condition)
            if level == self.attend_after:
                features = self.attention(features)
        features = self.to_image(relu(self.norm(features)))
        return self.canvas.crop(torch.tanh(features.float()))


class ResNetGenerator(UpwardGenerator):
    """SAGAN's generator: the label enters every block's batch norm."""

    def __init__(self, task: Task, latent: int, width: int) -> None:
        super().__init__()
        self.build(task.image, latent, width, lambda size: ClassGains(size, task))

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``float [N, latent]`` and ``int64 [N]`` to ``float [N, C, H, W]`` in [-1, 1]."""
        return self.drawn(latents, [labels] * len(self.blocks))


class SharedGenerator(UpwardGenerator):
    """BigGAN's generator: one class embedding for all blocks, the latent dealt out over them."""

    def __init__(self, task: Task, chunk: int, embedding: int, width: int) -> None:
        super().__init__()
        self.chunk = chunk
        self.embedding = embed(task, embedding)
        size = chunk + embedding
        self.build(task.image, chunk, width, lambda wide: VectorGains(wide, size))

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``float [N, chunk * (blocks + 1)]``, ``int64 [N]`` to ``float [N, C, H, W]`` in [-1, 1].

        Chunk 0 makes the first feature map; chunk i, with the class, conditions block i - 1.
        """
        first, *chunks = torch.split(latents, self.chunk, dim=1)
        vector = self.embedding(labels)
        return self.drawn(first, [torch.cat([vector, chunk], dim=1) for chunk in chunks])


class ResNetDiscriminator(nn.Module):
    """Residual blocks, attention after the first, sum pooling, projection of the label."""

    def __init__(self, task: Task, width: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        widths = block_widths(self.canvas, width)[::-1]
        downs = max(1, self.canvas.levels - 1)
        inner = [DownBlock(widths[i - 1], widths[i], halve=True) for i in range(1, downs)]
        last = widths[max(0, downs - 1)]
        self.blocks = nn.ModuleList(
            [
                DownBlock(task.image.channels, widths[0], halve=True, first=True),
                *inner,
                DownBlock(last, last, halve=False),
                DownBlock(last, last, halve=False),
            ]
        )
        self.attention = SelfAttention(widths[0], spectral)
        self.linear = spectral(nn.Linear(last, 1))
        self.embedding = spectral_embedding(task, last)
        orthogonal(self)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits ``float32 [N]``."""
        features = self.canvas.cover(images)
        for level, block in enumerate(self.blocks):
            features = block(features)
            if level == 0:
                features = self.attention(features)
        pooled = relu(features).float().sum(dim=(2, 3))  # [N, last]
        with torch.autocast(pooled.device.type, enabled=False):
            matched = (pooled * self.embedding(labels)).sum(dim=1)
            logits: Tensor = self.linear(pooled).squeeze(1) + matched
        return logits


def orthogonal(network: nn.Module) -> None:
    """Orthogonal start of every kernel: Saxe et al. 2014, as BigGAN uses it."""
    start_kernels(network, nn.init.orthogonal_)


def start_kernels(network: nn.Module, draw: Callable[[Tensor], Tensor]) -> None:
    """Start every convolution and linear layer: ``draw`` fills its weight, or what a spectral norm
    computes it from, in place; offsets are noughts."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            parametrized = getattr(module, "parametrizations", None)
            weight = parametrized.weight.original if parametrized else module.weight
            if not weight.is_meta:  # an outline has no values
                draw(weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
