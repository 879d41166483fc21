"""Images as pre-trained networks want them."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import interpolate


def resized_rgb(images: Tensor, side: int, mode: Literal["bilinear", "bicubic"]) -> Tensor:
    """``float [N, C, H, W]``, C 1 or 3, to ``float32 [N, 3, side, side]``; grey is repeated.

    Smaller sides are averaged down to (anti-aliased); overshoots of bicubic are cut to [-1, 1].
    """
    pixels = images.float()
    if pixels.shape[2:] != (side, side):
        down = side < max(pixels.shape[2:])
        pixels = interpolate(pixels, (side, side), mode=mode, align_corners=False, antialias=down)
        pixels = pixels.clamp(-1, 1)
    return pixels.expand(-1, 3, -1, -1)
