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
        features = skips.pop()
        kept = torch.split(1 + torch.sign(noise), list(self.dropped), dim=1) if self.dropped else ()
        for number, layer in enumerate(self.ups):
            skip = skips.pop()
            features = instance_norm(layer(relu(features), output_size=skip.shape[2:]))
            if number < len(kept):
                features = features * kept[number][:, :, None, None].to(features.dtype)
            features = self.beside(features, skip)
        drawn = self.to_image(relu(features), output_size=maps.shape[2:])
        return torch.tanh(drawn.float())


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
