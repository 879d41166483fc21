"""StyleGAN2's networks: Karras et al. 2019, arXiv:1912.04958, on light widths.

A mapping from latent and class to a style; a synthesis of modulated and demodulated convolutions
with noise and skip connections to the image; a residual discriminator. Equalised learning rates
everywhere.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate

from synthgen.networks.canvas import Canvas
from synthgen.networks.condition import embed, index_count, index_of
from synthgen.networks.equalized import (
    EqualConv2d,
    EqualLinear,
    minibatch_deviation,
    pixel_norm,
)
from synthgen.networks.layers import ACTIVATION_GAIN, ProjectionHead, StyledConv, activate
from synthgen.spec.task import Task

AVERAGE_KEEPS = 0.995
"""What one image leaves of its class' mean style: a memory of a few hundred images."""


def smooth_double(images: Tensor) -> Tensor:
    """``[N, C, H, W]`` to ``[N, C, 2H, 2W]`` through the kernel [1, 3, 3, 1]: bilinear doubling has
    just these weights."""
    return interpolate(images, scale_factor=2.0, mode="bilinear", align_corners=False)


def smooth_halve(images: Tensor) -> Tensor:
    """``[N, C, H, W]`` to ``[N, C, H/2, W/2]`` through [1, 3, 3, 1] / 8 both ways; zeros beyond the
    border."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=images.device, dtype=images.dtype) / 8
    channels = images.shape[1]
    kernel = torch.outer(taps, taps)[None, None].expand(channels, 1, 4, 4)
    return conv2d(images, kernel, stride=2, padding=1, groups=channels)


class StyleMapping(nn.Module):
    """Latent and label to a style. The latent's scale does not matter: it is normalised."""

    average: Tensor

    def __init__(self, task: Task, latent: int, style: int, depth: int) -> None:
        super().__init__()
        self.strata = index_count(task)
        self.embedding = embed(task, latent)
        widths = [2 * latent] + [style] * depth
        self.layers = nn.ModuleList(
            EqualLinear(a, b, gain=2**0.5, lr_factor=0.01) for a, b in pairwise(widths)
        )
        self.register_buffer("average", torch.zeros(self.strata, style))

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``float [N, latent]`` and ``int64 [N]`` to styles ``float [N, style]``.

        In training the mean style of each class follows.
        """
        given = [pixel_norm(latents), pixel_norm(self.embedding(labels))]
        features = torch.cat(given, dim=1)
        for layer in self.layers:
            features = activate(layer(features))
        if self.training:
            self._follow(features.detach().float(), index_of(labels, self.strata))
        return features

    @torch.no_grad()
    def _follow(self, styles: Tensor, labels: Tensor) -> None:
        count = torch.bincount(labels, minlength=len(self.average))[:, None].to(styles.dtype)
        sums = torch.zeros_like(self.average).index_add_(0, labels, styles)
        keep = AVERAGE_KEEPS**count
        self.average.mul_(keep).add_(sums / count.clamp(min=1) * (1 - keep))

    def truncated(self, styles: Tensor, labels: Tensor, psi: float) -> Tensor:
        """Styles ``[N, style]`` of labels ``int64 [N]`` drawn towards their class' mean: all the
        way at ``psi`` 0, not at all at 1."""
        if psi == 1.0:
            return styles
        return torch.lerp(self.average[index_of(labels, self.strata)], styles, psi)


class NoisyStyledConv(nn.Module):
    """A styled convolution, noise of learnt strength (0 at the start), activation."""

    def __init__(self, inputs: int, outputs: int, style: int) -> None:
        super().__init__()
        self.conv = StyledConv(inputs, outputs, style, equalized=True)
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """``[N, inputs, H, W]``, ``[N, style]``, ``[N, 1, H, W]`` to ``[N, outputs, H, W]``."""
        features = self.conv(features, style)
        return activate(features + (noise * self.strength).to(features.dtype))


class ToImage(nn.Module):
    """A 1x1 convolution with modulated, not demodulated kernels: section 2.2."""

    def __init__(self, inputs: int, channels: int, style: int) -> None:
        super().__init__()
        self.style = EqualLinear(style, inputs, bias=1.0)
        self.conv = EqualConv2d(inputs, channels, 1, gain=1.0)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """``[N, inputs, H, W]`` and ``[N, style]`` to ``[N, C, H, W]``."""
        scale = self.style(style)[:, :, None, None].to(features.dtype)
        image: Tensor = self.conv(features * scale)
        return image


class StyleSynthesis(nn.Module):
    """One style per layer, and noise, to images."""

    def __init__(self, task: Task, width: int, widest: int, style: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        widths = self.canvas.widths(width, widest)
        self.constant = nn.Parameter(torch.randn(widths[0], self.canvas.base, self.canvas.base))
        pairs = [(widths[0], widths[0])]
        for a, b in pairwise(widths):
            pairs += [(a, b), (b, b)]
        self.layers = nn.ModuleList(NoisyStyledConv(a, b, style) for a, b in pairs)
        self.to_image = nn.ModuleList(ToImage(w, task.image.channels, style) for w in widths)

    @property
    def noise_size(self) -> int:
        """Noise values per image: one for each pixel of each layer."""
        return sum(side * side for side in self._sides())

    def _sides(self) -> list[int]:
        base = self.canvas.base
        return [base << ((layer + 1) // 2) for layer in range(len(self.layers))]

    def forward(self, styles: Tensor, noise: Tensor) -> Tensor:
        """``float [N, layers, style]`` and ``float [N, noise_size]`` to ``float [N, C, H, W]``."""
        sides = self._sides()
        planes = torch.split(noise, [side * side for side in sides], dim=1)
        features = self.constant.expand(len(styles), -1, -1, -1)
        image: Tensor | None = None
        for number, layer in enumerate(self.layers):
            level, side = (number + 1) // 2, sides[number]
            if number and features.shape[2] != side:
                features = smooth_double(features)
            plane = planes[number].reshape(-1, 1, side, side)
            features = layer(features, styles[:, number], plane)
            if number % 2 == 0:  # the last layer of its resolution
                drawn = self.to_image[level](features, styles[:, number])
                image = drawn if image is None else smooth_double(image) + drawn
        assert image is not None
        return self.canvas.crop(image.float())


class StyleGenerator(nn.Module):
    """Mapping and synthesis together, and the state of the path-length penalty."""

    path_mean: Tensor

    def __init__(
        self,
        task: Task,
        *,
        latent: int,
        style: int,
        depth: int,
        width: int,
        widest: int,
    ) -> None:
        super().__init__()
        self.mapping = StyleMapping(task, latent, style, depth)
        self.synthesis = StyleSynthesis(task, width, widest, style)
        self.register_buffer("path_mean", torch.zeros(()))

    def styles(self, latents: Tensor, labels: Tensor, psi: float = 1.0) -> Tensor:
        """Latents ``[N, latent]`` and labels ``int64 [N]`` to one style for all layers: ``float [N,
        layers, style]``; ``psi`` as in :meth:`StyleMapping.truncated`."""
        mapped = self.mapping.truncated(self.mapping(latents, labels), labels, psi)
        return mapped[:, None].expand(-1, len(self.synthesis.layers), -1)

    def mixed(self, styles: Tensor, others: Tensor, share: float) -> Tensor:
        """``share`` of the images get ``others`` from a random layer on: style mixing,
        arXiv:1812.04948, section 3.1. All are ``float [N, layers, style]``."""
        count, layers, _ = styles.shape
        cut = torch.randint(1, layers, (count,), device=styles.device)
        kept = torch.rand(count, device=styles.device) >= share
        cut = torch.where(kept, torch.full_like(cut, layers), cut)
        late = torch.arange(layers, device=styles.device)[None] >= cut[:, None]
        return torch.where(late[:, :, None], others, styles)

    def forward(self, styles: Tensor, noise: Tensor) -> Tensor:
        """Styles ``[N, layers, style]`` and noise ``[N, noise_size]`` to ``float [N, C, H, W]``."""
        images: Tensor = self.synthesis(styles, noise)
        return images


class StyleDiscriminator(nn.Module):
    """Residual blocks halved through [1, 3, 3, 1], minibatch deviation, label projection."""

    def __init__(self, task: Task, width: int, widest: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        widths = self.canvas.widths(width, widest)[::-1]
        self.from_image = EqualConv2d(task.image.channels, widths[0], 1)
        pairs = list(pairwise(widths))
        self.first = nn.ModuleList(EqualConv2d(a, a, 3) for a, _ in pairs)
        self.second = nn.ModuleList(EqualConv2d(a, b, 3) for a, b in pairs)
        self.shortcut = nn.ModuleList(EqualConv2d(a, b, 1, gain=1.0) for a, b in pairs)
        self.last = EqualConv2d(widths[-1] + 1, widths[-1], 3)
        self.collect = EqualConv2d(widths[-1], widths[-1], self.canvas.base, valid=True)
        self.head = ProjectionHead(widths[-1], task, equalized=True)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits ``float32 [N]``."""
        features = activate(self.from_image(self.canvas.cover(images)))
        layers = zip(self.first, self.second, self.shortcut, strict=True)
        for first, second, shortcut in layers:
            branch = activate(second(smooth_halve(activate(first(features)))))
            features = (branch + shortcut(smooth_halve(features))) / ACTIVATION_GAIN
        # Outside of training an image has no company: a logit depends on nothing but its image.
        deviating = minibatch_deviation(features, 4 if self.training else 1)
        features = activate(self.last(deviating))
        collected = activate(self.collect(features)).flatten(1)
        logits: Tensor = self.head(collected, labels)
        return logits
