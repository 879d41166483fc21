"""Networks that fill holes: gated convolutions, and a discriminator of patches with spectral norm
(Yu et al. 2018, arXiv:1806.03589, sections 3.2 and 3.4)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, interpolate, leaky_relu
from torch.nn.utils.parametrizations import spectral_norm


class GatedConv(nn.Module):
    """``elu(conv(x)) * sigmoid(gate(x))``: it learns which places to listen to."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.both = nn.Conv2d(
            inputs, 2 * outputs, kernel, stride=stride, padding=padding, dilation=dilation
        )

    def forward(self, features: Tensor) -> Tensor:
        """``[N, inputs, H, W]`` to ``[N, outputs, H / stride, W / stride]``."""
        value, gate = self.both(features).chunk(2, dim=1)
        return torch.mul(elu(value), torch.sigmoid(gate))


class GatedUNet(nn.Module):
    """An image with a hole and the hole to a whole image: halved twice, dilated in the middle,
    doubled twice, with skips. Known pixels are those of the image, exactly."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = GatedConv(channels + 1, width, 5)
        self.down = nn.ModuleList(
            [GatedConv(width, 2 * width, stride=2), GatedConv(2 * width, 4 * width, stride=2)]
        )
        self.middle = nn.Sequential(
            *(GatedConv(4 * width, 4 * width, dilation=step) for step in (1, 2, 4, 8, 1))
        )
        self.up = nn.ModuleList([GatedConv(6 * width, 2 * width), GatedConv(3 * width, width)])
        self.to_image = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, masked: Tensor, hole: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``float [N, 1, H, W]`` (1 in the hole) to an image
        of the same shape and range."""
        skips = [self.first(torch.cat([masked, hole], dim=1))]
        for layer in self.down:
            skips.append(layer(skips[-1]))
        features = self.middle(skips.pop())
        for layer in self.up:
            skip = skips.pop()
            features = interpolate(features, size=skip.shape[2:])
            features = layer(torch.cat([features, skip], dim=1))
        drawn = torch.tanh(self.to_image(features).float())
        return torch.where(hole > 0.5, drawn, masked.float())


class SpectralPatches(nn.Module):
    """SN-PatchGAN: a logit for every place of the last feature map."""

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        widths = [channels + 1, *(width * min(2**i, 4) for i in range(layers))]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 5, stride=2, padding=2)) for a, b in pairwise(widths)
        )
        self.logit = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, images: Tensor, hole: Tensor) -> Tensor:
        """``float [N, C, H, W]`` and ``float [N, 1, H, W]`` to logits ``float32 [N, patches]``."""
        features = torch.cat([images, hole], dim=1)
        for layer in self.layers:
            features = leaky_relu(layer(features), 0.2)
        logits: Tensor = self.logit(features)
        return logits.flatten(1).float()
