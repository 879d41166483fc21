"""The two forms of an image batch and the only two functions that go between them.

Inside the models a batch is ``float [N, C, H, W]`` in [-1, 1]; at the border (files, users, the
cache of real images) it is ``uint8 [N, H, W, C]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ImageSpec:
    """Height and width in pixels; channels is 1 (grey) or 3 (RGB)."""

    height: int
    width: int
    channels: int

    @property
    def mode(self) -> str:
        """Pillow's name of the colour mode: ``"L"`` or ``"RGB"``."""
        return "L" if self.channels == 1 else "RGB"

    def __str__(self) -> str:
        return f"{self.height}x{self.width} {'grey' if self.channels == 1 else 'RGB'}"


def to_float(images: Tensor) -> Tensor:
    """``uint8 [N, H, W, C]`` to ``float32 [N, C, H, W]`` in [-1, 1]: 0 is -1 and 255 is 1,
    exactly."""
    return images.permute(0, 3, 1, 2).float().div(127.5).sub(1.0)


def to_uint8(images: Tensor) -> Tensor:
    """``float [N, C, H, W]`` in [-1, 1] to ``uint8 [N, H, W, C]``, nearest grey level, clamped.

    The inverse of :func:`to_float` on its image. Non-finite values become 0; test for them first.
    """
    scaled = images.float().add(1.0).mul(127.5).nan_to_num(0.0, 255.0, 0.0)
    return scaled.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()
