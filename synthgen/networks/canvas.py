"""How a side in pixels is reached by doublings from a small base."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import pad

from synthgen.spec.image import ImageSpec


@dataclass(frozen=True)
class Canvas:
    """Square of side ``base * 2**levels`` that covers the image; 4 <= base <= 8.

    An image that is smaller than its canvas (30 px on 32) is the canvas' centre: generators crop to
    it, discriminators pad to it. 28 px is 7 doubled twice and needs neither.
    """

    base: int
    levels: int
    image: ImageSpec

    @staticmethod
    def for_image(image: ImageSpec) -> Canvas:
        side = max(image.height, image.width)
        levels = 0
        while side / 2 ** (levels + 1) >= 4:
            levels += 1
        return Canvas(-(-side // 2**levels), levels, image)

    @property
    def side(self) -> int:
        return self.base << self.levels

    def widths(self, narrowest: int, widest: int) -> list[int]:
        """Channels from the base to the full side: doubling towards the base, at most
        ``widest``."""
        return [min(widest, narrowest * 2 ** (self.levels - i)) for i in range(self.levels + 1)]

    def crop(self, images: Tensor) -> Tensor:
        """``[N, C, side, side]`` to ``[N, C, H, W]``, the centre."""
        top, left = (self.side - self.image.height) // 2, (self.side - self.image.width) // 2
        return images[:, :, top : top + self.image.height, left : left + self.image.width]

    def cover(self, images: Tensor) -> Tensor:
        """``[N, C, H, W]`` to ``[N, C, side, side]``, edges repeated."""
        down, right = self.side - self.image.height, self.side - self.image.width
        if down == 0 and right == 0:
            return images
        top, left = down // 2, right // 2
        return pad(images, (left, right - left, top, down - top), mode="replicate")
