"""Maps to an image by norms that the maps set, and judged beside the maps at two sizes (Park et al.
2019, arXiv:1903.07291, section 3 and appendix A)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, instance_norm, interpolate, leaky_relu, relu

from synthgen.networks.resnet import spectral, start_kernels
from synthgen.spec.image import ImageSpec

SMALLEST = 4
"""Shorter side in pixels of the first feature map, at least; half as much again at most."""
WIDEST = 8
"""Channels of the innermost layers, in widths of the outermost."""


class SpatialNorm(nn.Module):
    """Batch norm whose gains and offsets are drawn from the maps, place by place.

    ``norm(x) * (1 + gain(m)) + offset(m)`` (equation 1). The maps do not go through a norm
    themselves: one of a single value would come out of it as noughts.
    """

    def __init__(self, width: int, maps: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.shared = nn.Conv2d(maps, hidden, 3, padding=1)
        self.both = nn.Conv2d(hidden, 2 * width, 3, padding=1)

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:
        """``[N, width, h, w]`` and ``[N, maps, h, w]`` to the shape of the features."""
        gain, offset = self.both(relu(self.shared(maps))).chunk(2, dim=1)
        normed: Tensor = self.norm(features)
        return torch.addcmul(offset, normed, 1 + gain)


class SpadeBlock(nn.Module):
    """Norm, leaky ReLU, convolve, twice; beside the identity, or beside a norm and a 1x1
    convolution where the channels change (figure 4)."""

    def __init__(self, inputs: int, outputs: int, maps: int, hidden: int) -> None:
        super().__init__()
        inner = min(inputs, outputs)
        self.norms = nn.ModuleList(SpatialNorm(size, maps, hidden) for size in (inputs, inner))
        self.layers = nn.ModuleList(
            spectral(nn.Conv2d(a, b, 3, padding=1)) for a, b in pairwise((inputs, inner, outputs))
        )
        learnt = inputs != outputs
        self.shortcut_norm = SpatialNorm(inputs, maps, hidden) if learnt else None
        self.shortcut = (
            spectral(nn.Conv2d(inputs, outputs, 1, bias=False)) if learnt else nn.Identity()
        )

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:
        """``[N, inputs, h, w]`` and ``[N, maps, h, w]`` to ``[N, outputs, h, w]``."""
        branch = features
        for norm, layer in zip(self.norms, self.layers, strict=True):
            branch = layer(leaky_relu(norm(branch, maps), 0.2))
        if self.shortcut_norm is not None:
            features = self.shortcut_norm(features, maps)
        shortcut: Tensor = self.shortcut(features)
        return torch.add(shortcut, branch)


class SpadeGenerator(nn.Module):
    """A latent doubled block by block to the image's size, each block told the maps at its own.

    Sides need not be powers of two: a doubling makes the size that halving the image gives.
    """

    def __init__(self, maps: int, image: ImageSpec, latent: int, width: int, hidden: int) -> None:
        """``maps`` is the number of channels of all maps together."""
        super().__init__()
        sizes = [(image.height, image.width)]
        while min(sizes[0]) >= 2 * SMALLEST:
            sizes.insert(0, (-(-sizes[0][0] // 2), -(-sizes[0][1] // 2)))
        self.sizes = tuple(sizes)
        """Height and width of each block's features, the smallest first."""
        outer = [min(WIDEST, 2**level) * width for level in range(len(sizes))][::-1]
        self.base = outer[0]
        self.start = nn.Linear(latent, self.base * sizes[0][0] * sizes[0][1])
        self.blocks = nn.ModuleList(
            SpadeBlock(a, b, maps, hidden) for a, b in pairwise([self.base, *outer])
        )
        self.to_image = nn.Conv2d(outer[-1], image.channels, 3, padding=1)
        start_kernels(self, nn.init.xavier_normal_)  # Glorot & Bengio 2010

    def forward(self, latents: Tensor, maps: Tensor) -> Tensor:
        """``float [N, latent]`` and ``float [N, maps, H, W]`` to ``float32 [N, C, H, W]`` in
        [-1, 1]."""
        features = self.start(latents).reshape(-1, self.base, *self.sizes[0])
        for size, block in zip(self.sizes, self.blocks, strict=True):
            if features.shape[2:] != size:
                features = interpolate(features, size=size)
            features = block(features, nearest(maps, size))
        drawn = self.to_image(leaky_relu(features, 0.2))
        return torch.tanh(drawn.float())


def nearest(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps ``[N, maps, H, W]`` at another height and width, by the nearest value: of a mask one
    class stays at each place."""
    return maps if maps.shape[2:] == size else interpolate(maps, size=size, mode="nearest")


class LookingPatches(nn.Module):
    """A logit for every patch of an image beside its maps, and what the layers saw on the way.

    Spectral norm and instance norm in the inner layers, as in the authors' description (appendix
    A). ``halvings`` shrinks image and maps before, so that patches are larger.
    """

    def __init__(self, inputs: int, width: int, layers: int, halvings: int) -> None:
        """``inputs`` is the number of channels of maps and image together."""
        super().__init__()
        self.halvings = halvings
        widths = [width * min(2**layer, WIDEST) for layer in range(layers + 1)]
        self.first = nn.Conv2d(inputs, width, 4, stride=2, padding=2)
        self.downs = nn.ModuleList(
            spectral(nn.Conv2d(a, b, 4, stride=2 if n < layers - 1 else 1, padding=2))
            for n, (a, b) in enumerate(pairwise(widths))
        )
        self.logit = nn.Conv2d(widths[-1], 1, 4, padding=2)
        start_kernels(self, nn.init.xavier_normal_)  # Glorot & Bengio 2010

    def patches(self, height: int, width: int) -> int:
        """Logits that an image of this size gets."""
        count = 1
        for side in (height, width):
            for _ in range(self.halvings):
                side = -(-side // 2)
            for layer in (self.first, *self.downs, self.logit):
                side = side // layer.stride[0] + 1  # kernels of 4 px, 2 px of padding
            count *= side
        return count

    def features(self, maps: Tensor, images: Tensor) -> list[Tensor]:
        """``float [N, maps, H, W]`` and ``[N, C, H, W]`` to each layer's ``[N, c, h, w]``; the
        last has the logits, ``[N, 1, h, w]``."""
        seen = torch.cat([maps, images], dim=1)
        for _ in range(self.halvings):
            seen = avg_pool2d(seen, 3, stride=2, padding=1, count_include_pad=False)
        found = [leaky_relu(self.first(seen), 0.2)]
        for layer in self.downs:
            found.append(leaky_relu(instance_norm(layer(found[-1])), 0.2))
        return [*found, self.logit(found[-1])]

    def forward(self, maps: Tensor, images: Tensor) -> Tensor:
        """The logits of :meth:`features`: ``float32 [N, patches]``."""
        return self.features(maps, images)[-1].flatten(1).float()


def packed(features: Sequence[Tensor]) -> Tensor:
    """All layers but the logits in one ``float32 [N, numbers]``, weighted so that the sum of
    absolute differences of two rows is the mean, over the layers, of their mean difference."""
    layers = features[:-1]
    return torch.cat(
        [layer.flatten(1).float() / (len(layers) * layer[0].numel()) for layer in layers], dim=1
    )
