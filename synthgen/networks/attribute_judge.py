"""StarGAN's discriminator: a logit for each patch of an image, and what its attributes seem to be.

Choi et al. 2017, arXiv:1711.09020, table 5: strided convolutions without norms, on whose last map
one convolution gives a logit for each place and another, as large as the map, the attributes.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, cat, nn
from torch.nn.functional import leaky_relu

from synthgen.networks.resnet import start_kernels
from synthgen.spec.image import ImageSpec

SMALLEST = 2
"""Shorter side in pixels of the last map, at least; under twice that."""
MOST_LAYERS = 6
WIDEST = 8
"""Channels of the innermost layers, in widths of the outermost; the paper doubles on to 32."""
SLOPE = 0.01


class AttributeJudge(nn.Module):
    """Halved until two or three pixels are left of the shorter side; then two heads."""

    def __init__(self, image: ImageSpec, attributes: int, width: int) -> None:
        """``attributes`` is how many numbers the attributes are to networks."""
        super().__init__()
        sides, layers = (image.height, image.width), 0
        while min(sides) >= 2 * SMALLEST and layers < MOST_LAYERS:
            sides, layers = (sides[0] // 2, sides[1] // 2), layers + 1
        widths = [min(2**layer, WIDEST) * width for layer in range(layers)]
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise([image.channels, *widths])
        )
        self.logit = nn.Conv2d(widths[-1], 1, 3, padding=1)
        self.read = nn.Conv2d(widths[-1], attributes, sides)
        self.patches = sides[0] * sides[1]
        """Logits that an image gets."""
        start_kernels(self, nn.init.kaiming_normal_)

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to ``float32 [N, patches + attributes]``: the logits of
        the patches, then what is read: a logit of each yes and each choice, and numbers."""
        features = images
        for layer in self.downs:
            features = leaky_relu(layer(features), SLOPE)
        return cat([self.logit(features).flatten(1), self.read(features).flatten(1)], dim=1).float()
