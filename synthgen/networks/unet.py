"""Maps to an image by a U-Net, and judged beside the maps in patches (Isola et al. 2017,
arXiv:1611.07004, sections 3.2 and 6.1)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import instance_norm, leaky_relu, relu

from synthgen.spec.image import ImageSpec

SMALLEST = 4
"""Shorter side in pixels up to which the maps are halved."""
MOST_NOISY = 3
"""Layers of the decoder that drop channels, as in the paper; half of all where there are few."""


class UNet(nn.Module):
    """Halved until the shorter side has 4 px at most, and doubled again; each doubling sees what
    the halving to its size saw.

    Sides need not be powers of two: a doubling makes the size of the layer that it meets. Instance
    norm, which the paper's batch norm is at its batch of one, keeps an image from depending on the
    others of its batch; the first and the innermost layer have none, so that a map of one value
    reaches the output. The paper drops single values of the first layers of the decoder; here whole
    channels are dropped, so that the noise of an image is a few hundred numbers.
    """

    def __init__(self, inputs: int, image: ImageSpec, width: int) -> None:
        """``inputs`` is the number of channels of all maps together."""
        super().__init__()
        levels, side = 1, min(image.height, image.width) // 2
        while side > SMALLEST:
            levels, side = levels + 1, side // 2
        widths = [min(2**level, 8) * width for level in range(levels)]
        self.widths = tuple(widths)
        """Channels of each level of the encoder, and of the decoder's level of the same size."""
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise([inputs, *widths])
        )
        inner = [
            nn.ConvTranspose2d(a if not n else 2 * a, b, 4, stride=2, padding=1)
            for n, (a, b) in enumerate(pairwise(widths[::-1]))
        ]
        self.ups = nn.ModuleList(inner)
        last = width if levels == 1 else 2 * width
        self.to_image = nn.ConvTranspose2d(last, image.channels, 4, stride=2, padding=1)
        self.dropped = tuple(widths[::-1][1 : 1 + min(MOST_NOISY, levels // 2)])
        """Channels of each layer that drops them."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for layer in (*inner, self.to_image):
            _without_checkerboard(layer)

    @property
    def noise(self) -> int:
        """Numbers of noise that an image takes: one for each channel that may be dropped."""
        return sum(self.dropped)

    def beside(self, features: Tensor, skip: Tensor) -> Tensor:
        """What the decoder has made ``[N, a, h, w]`` and what the encoder saw ``[N, b, h, w]``:
        ``[N, a + b, h, w]``."""
        return torch.cat([features, skip], dim=1)

    def told(self, features: Tensor, noise: Tensor, level: int) -> Tensor:
        """The features ``[N, width, h, w]`` of a level of the decoder after its part of the noise
        ``[N, noise]``; level 0 is the innermost. Here a channel is dropped or doubled."""
        if not 0 < level <= len(self.dropped):
            return features
        first = sum(self.dropped[: level - 1])
        part = noise[:, first : first + self.dropped[level - 1]]
        return features * (1 + torch.sign(part))[:, :, None, None].to(features.dtype)

    def forward(self, maps: Tensor, noise: Tensor) -> Tensor:
        """``float [N, inputs, H, W]`` and normal ``[N, noise]`` to ``float32 [N, C, H, W]`` in
        [-1, 1].

        A channel of a negative number is dropped and one of a positive number doubled; noise of
        noughts leaves all of them as they are.
        """
        features = self.downs[0](maps)
        skips = [features]
        for number, layer in enumerate(self.downs[1:], start=2):
            features = layer(leaky_relu(features, 0.2))
            if number < len(self.downs):
                features = instance_norm(features)
            skips.append(features)
        features = self.told(skips.pop(), noise, 0)
        for level, layer in enumerate(self.ups, start=1):
            skip = skips.pop()
            features = instance_norm(layer(relu(features), output_size=skip.shape[2:]))
            features = self.beside(self.told(features, noise, level), skip)
        drawn = self.to_image(relu(features), output_size=maps.shape[2:])
        return torch.tanh(drawn.float())


class StyledUNet(UNet):
    """A U-Net whose decoder is told a latent: of each level's channels a gain and an offset, as in
    adaptive instance norm (Huang & Belongie 2017, arXiv:1703.06868, equation 8). Dropout alone
    makes no two different people."""

    def __init__(self, inputs: int, image: ImageSpec, width: int, latent: int) -> None:
        """``latent`` is the number of values that an image takes in place of noise."""
        super().__init__(inputs, image, width)
        widths = self.widths[::-1]
        self.styles = nn.ModuleList()
        for size in widths:
            style = nn.Linear(latent, 2 * size)
            nn.init.normal_(style.weight, std=0.3 * latent**-0.5)
            nn.init.zeros_(style.bias)
            self.styles.append(style)

    def told(self, features: Tensor, noise: Tensor, level: int) -> Tensor:
        """The features ``[N, width, h, w]`` of a level, told the latent ``[N, latent]``."""
        gain, offset = self.styles[level](noise)[:, :, None, None].chunk(2, dim=1)
        told: Tensor = torch.addcmul(offset.to(features.dtype), features, 1 + gain)
        return told


def _without_checkerboard(layer: nn.ConvTranspose2d) -> None:
    """Start a doubling of kernel 4 with the same weights for all four pixels that one becomes, so
    that there is no pattern to unlearn (Aitken et al. 2017, arXiv:1707.02937)."""
    weight = layer.weight.data
    weight[:, :, 2] = weight[:, :, 1]
    weight[:, :, 3] = weight[:, :, 0]
    weight[:, :, :, 2] = weight[:, :, :, 1]
    weight[:, :, :, 3] = weight[:, :, :, 0]


class ConditionedPatches(nn.Module):
    """A logit for every patch of an image beside the maps that it was made from.

    Strided layers of 1, 2, 3 and 4 see patches of 16, 34, 70 and 142 px.
    """

    def __init__(self, inputs: int, width: int, layers: int) -> None:
        """``inputs`` is the number of channels of maps and image together."""
        super().__init__()
        widths = [width * min(2**layer, 8) for layer in range(layers + 1)]
        self.first = nn.Conv2d(inputs, width, 4, stride=2, padding=1)
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2 if layer < layers - 1 else 1, padding=1)
            for layer, (a, b) in enumerate(pairwise(widths))
        )
        self.logit = nn.Conv2d(widths[-1], 1, 4, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.02)

    def forward(self, maps: Tensor, images: Tensor) -> Tensor:
        """``float [N, maps, H, W]`` and ``[N, C, H, W]`` to logits ``float32 [N, patches]``."""
        features = leaky_relu(self.first(torch.cat([maps, images], dim=1)), 0.2)
        for layer in self.downs:
            features = leaky_relu(instance_norm(layer(features)), 0.2)
        logits: Tensor = self.logit(features)
        return logits.flatten(1).float()
