"""PixelDA's networks: an image and noise to the same image in another look, and whole images to one
logit (Bousmalis et al. 2017, arXiv:1612.05424, appendix B).

Group norms stand where the paper has batch norms, so that an image is drawn the same in any batch,
and the translator adds to the image in place of drawing it anew: a short training then begins at
images that show what their rows say.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, leaky_relu, relu

from synthgen.networks.canvas import Canvas
from synthgen.spec.image import ImageSpec

GROUPS = 4
START = 2.0
"""Factor of the image in what the translator squashes: white and black stay so but for 0.04."""
NOISE, DROPPED = 0.2, 0.1
"""Deviation of the noise on the discriminator's image, and share of its features that is dropped:
the paper's own."""


class PixelBlock(nn.Module):
    """Two 3x3 convolutions with norms beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.first_norm = nn.GroupNorm(GROUPS, width)
        self.second_norm = nn.GroupNorm(GROUPS, width)

    def forward(self, features: Tensor) -> Tensor:
        """``[N, width, H, W]`` to the same shape."""
        branch = relu(self.first_norm(self.first(features)))
        return torch.add(features, self.second_norm(self.second(branch)))


class PixelTranslator(nn.Module):
    """Residual blocks at full resolution on the image and a layer of noise."""

    def __init__(self, image: ImageSpec, latent: int, width: int, blocks: int) -> None:
        """``width`` is a multiple of four; ``latent`` numbers of noise are spread over a layer of
        the image's size."""
        super().__init__()
        self.image = image
        self.spread = nn.Linear(latent, image.height * image.width)
        self.from_image = nn.Conv2d(image.channels + 1, width, 3, padding=1)
        self.blocks = nn.ModuleList(PixelBlock(width) for _ in range(blocks))
        self.to_image = nn.Conv2d(width, image.channels, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor, z: Tensor) -> Tensor:
        """Images ``float [N, C, H, W]`` in [-1, 1] and noise ``float [N, latent]`` to the same
        shape and range as the images."""
        layer = self.spread(z).view(len(z), 1, self.image.height, self.image.width)
        features = relu(self.from_image(torch.cat([images, layer.to(images.dtype)], dim=1)))
        for block in self.blocks:
            features = block(features)
        drawn: Tensor = torch.tanh(self.to_image(features).float() + START * images.float())
        return drawn


class WholeDiscriminator(nn.Module):
    """One logit for a whole image, whatever its label: real images of the target have none."""

    def __init__(self, image: ImageSpec, width: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(image)
        levels = self.canvas.levels
        widths = [width * min(2**level, 8) for level in range(levels + 1)]
        self.from_image = nn.Conv2d(image.channels, width, 3, padding=1)
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths)
        )
        self.logit = nn.Linear(widths[-1] * self.canvas.base**2, 1)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Images ``float [N, C, H, W]`` in [-1, 1] to logits ``float32 [N]``; ``labels`` are not
        looked at. In training the image is noisy and features are dropped."""
        images = self.canvas.cover(images)
        if self.training:
            images = images + NOISE * torch.randn_like(images)
        features = self._dropped(leaky_relu(self.from_image(images), 0.2))
        for layer in self.downs:
            features = self._dropped(leaky_relu(layer(features), 0.2))
        logits: Tensor = self.logit(features.flatten(1))
        return logits.squeeze(1).float()

    def _dropped(self, features: Tensor) -> Tensor:
        return dropout(features, DROPPED, self.training)
