"""Small images to large ones: residual blocks and sub-pixel convolution (Ledig et al. 2016,
arXiv:1609.04802; Shi et al. 2016, arXiv:1609.05158).

The network draws what bicubic enlargement lacks. Its blocks have no batch norm (Lim et al. 2017,
arXiv:1707.02921). Last, what the large image's blocks of pixels lack to the small image's pixels is
added to them: shrinking the output gives the input, whatever the weights.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pixel_shuffle


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity, PReLU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.act = nn.PReLU()
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        assert self.second.bias is not None
        nn.init.zeros_(self.second.bias)

    def forward(self, features: Tensor) -> Tensor:
        """``[N, width, h, w]`` to the same shape."""
        branch: Tensor = self.second(self.act(self.first(features)))
        return features + branch


class UpscaleGenerator(nn.Module):
    """``float [N, C, h, w]`` in [-1, 1] to ``float [N, C, h * scale, w * scale]``, about
    [-1, 1]."""

    def __init__(self, channels: int, width: int, blocks: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(channels, width, 5, padding=2)
        self.act = nn.PReLU()
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.merge = nn.Conv2d(width, width, 3, padding=1)
        self.to_image = nn.Conv2d(width, channels * scale * scale, 3, padding=1)
        nn.init.normal_(self.to_image.weight, std=1e-3)
        assert self.to_image.bias is not None
        nn.init.zeros_(self.to_image.bias)

    def forward(self, small: Tensor) -> Tensor:
        """See the class."""
        first = self.act(self.head(small))
        features = first + self.merge(self.blocks(first))
        detail = pixel_shuffle(self.to_image(features), self.scale).float()
        enlarged = interpolate(
            small.float(), scale_factor=float(self.scale), mode="bicubic", align_corners=False
        )
        return self.consistent(enlarged + detail, small.float())

    def consistent(self, large: Tensor, small: Tensor) -> Tensor:
        """The large image with every block's mean moved to the small image's pixel."""
        lacking = small - avg_pool2d(large, self.scale)
        return large + interpolate(lacking, scale_factor=float(self.scale))
