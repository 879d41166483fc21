"""Plain ways back from what was derived of an image to the image: what a generator has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from synthgen.spec.image import ImageSpec

if TYPE_CHECKING:
    from torch import Tensor

LEVELS = 127.0
"""What stands in a hole that has no border."""
SWEEPS = 40
"""Rounds of averaging over the neighbours at each size of a smooth fill."""


class Baseline(Protocol):
    """Images ``uint8 [N, H, W, C]`` from the rows of a derived field and the rows of the fields
    that it is derived ``of``, ``None`` in the place of what is not known."""

    def __call__(self, image: ImageSpec, given: Tensor, of: Sequence[Tensor | None]) -> Tensor: ...


def bicubic(image: ImageSpec, given: Tensor, of: Sequence[Tensor | None]) -> Tensor:
    """``uint8 [N, H, W, C]``: small images enlarged by cubic convolution (Keys 1981, a = -0.5)."""
    return _bytes(_enlarged(image, given))


def agreeing_bicubic(image: ImageSpec, given: Tensor, of: Sequence[Tensor | None]) -> Tensor:
    """``uint8 [N, H, W, C]``: of all images whose blocks have the small image's values as means
    the one that is nearest to the bicubic enlargement. As the original is one of them, its squared
    error is the smaller: a projection onto a linear set that holds the original."""
    from torch.nn.functional import avg_pool2d, interpolate

    large = _enlarged(image, given)
    block = image.height // given.shape[1], image.width // given.shape[2]
    missing = given.permute(0, 3, 1, 2).float() - avg_pool2d(large, block)
    return _bytes(large + interpolate(missing, scale_factor=block, mode="nearest"))


def border_mean(image: ImageSpec, given: Tensor, of: Sequence[Tensor | None]) -> Tensor:
    """``uint8 [N, H, W, C]``: each hole filled with the mean of the known pixels that touch it."""
    import torch
    from torch.nn.functional import max_pool2d

    pixels, hole = _parted(given, of)
    border = max_pool2d(hole, 3, stride=1, padding=1) * (1 - hole)
    count = border.sum(dim=(2, 3), keepdim=True)
    mean = (pixels * border).sum(dim=(2, 3), keepdim=True) / count.clamp(min=1)
    fill = torch.where(count > 0, mean, torch.full_like(mean, LEVELS))
    return _bytes(torch.where(hole > 0, fill, pixels))


def smooth_fill(image: ImageSpec, given: Tensor, of: Sequence[Tensor | None]) -> Tensor:
    """``uint8 [N, H, W, C]``: each hole filled as smoothly as its border allows: every pixel in it
    is the mean of its four neighbours (Laplace's equation, by Jacobi's method from coarse to
    fine)."""
    pixels, hole = _parted(given, of)
    return _bytes(_smooth(pixels * (1 - hole), hole))


def _smooth(pixels: Tensor, hole: Tensor) -> Tensor:
    """Pixels ``float [N, C, H, W]``, 0 in the hole ``float [N, 1, H, W]``, filled."""
    import torch
    from torch.nn.functional import avg_pool2d, interpolate, pad

    height, width = hole.shape[2:]
    known = 1 - hole
    if min(height, width) == 1:
        total = known.sum(dim=(2, 3), keepdim=True)
        mean = pixels.sum(dim=(2, 3), keepdim=True) / total.clamp(min=1)
        start = torch.where(total > 0, mean, torch.full_like(mean, LEVELS)).expand_as(pixels)
    else:
        edge = (0, width % 2, 0, height % 2)
        share = avg_pool2d(pad(known, edge), 2)
        half = avg_pool2d(pad(pixels, edge), 2) / share.clamp(min=0.25)
        coarse = _smooth(half, (share == 0).float())
        start = interpolate(coarse, scale_factor=2, mode="bilinear")[:, :, :height, :width]
    filled = torch.where(hole > 0, start, pixels)
    for _ in range(SWEEPS):
        wide = pad(filled, (1, 1, 1, 1), mode="replicate")
        near = wide[:, :, :-2, 1:-1] + wide[:, :, 2:, 1:-1]
        near = near + wide[:, :, 1:-1, :-2] + wide[:, :, 1:-1, 2:]
        filled = torch.where(hole > 0, near / 4, filled)
    return filled


def _enlarged(image: ImageSpec, given: Tensor) -> Tensor:
    from torch.nn.functional import interpolate

    small = given.permute(0, 3, 1, 2).float()
    size = (image.height, image.width)
    return interpolate(small, size=size, mode="bicubic", align_corners=False, antialias=True)


def _parted(given: Tensor, of: Sequence[Tensor | None]) -> tuple[Tensor, Tensor]:
    """Pixels ``float [N, C, H, W]`` and the hole ``float [N, 1, H, W]``."""
    hole = of[1]
    assert hole is not None  # given beside the image that has it
    return given.permute(0, 3, 1, 2).float(), hole[:, None].float()


def _bytes(pixels: Tensor) -> Tensor:
    return pixels.round().clamp(0, 255).byte().permute(0, 2, 3, 1)


ENLARGED: Mapping[str, Baseline] = MappingProxyType(
    {"bicubic": bicubic, "bicubic that shrinks to the given image": agreeing_bicubic}
)
FILLED: Mapping[str, Baseline] = MappingProxyType(
    {"mean of the border": border_mean, "smooth fill (Laplace)": smooth_fill}
)
