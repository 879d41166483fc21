"""Adaptive discriminator augmentation: Karras et al. 2020, arXiv:2006.06676.

Each image goes through a row of random changes, each applied with probability p. A controller
raises p while D knows the training images too well and lowers it otherwise. p is a buffer: it is
part of every checkpoint.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

TARGET = 0.6
"""Wanted value of the over-fitting statistic (section 3.2)."""

SMALL_SET_SPEED = 500_000
"""Images over which p can go from 0 to 1 (section 3.2)."""


class _Resample(torch.autograd.Function):
    """``grid_sample`` whose gradient with respect to the images can be differentiated again.

    It is linear in the images, so the gradient of its gradient is itself.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(images, grid)
        return grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        images, grid = ctx.saved_tensors
        return _ResampleBack.apply(gradients[0], images, grid), None  # type: ignore[no-untyped-call]


class _ResampleBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, images: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        back: tuple[Tensor, Tensor] = torch.ops.aten.grid_sampler_2d_backward(
            gradient, images, grid, 0, 0, False, [True, False]
        )
        return back[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Resample.apply(gradients[0], grid), None, None  # type: ignore[no-untyped-call]


class Ada(nn.Module):
    """The paper's pixel, geometric and colour changes, without flips and quarter turns.

    Those two turn a digit or a letter into another one. Noise, cut-out and image-space filters,
    which the paper found to hurt or not to help, are left out as well.
    """

    p: Tensor

    def __init__(self, p: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("p", torch.tensor(float(p)))

    @torch.no_grad()
    def observe(self, overfitting: Tensor, images: float) -> None:
        """Move p after ``images`` more real images on the run's clock: a judge that looks at
        several batches in a step gives each its share of the one that the step shows.

        ``overfitting`` is the mean sign of D on reals (equation 1, r_t): 1 when it knows them all.
        """
        step = torch.sign(overfitting - TARGET) * images / SMALL_SET_SPEED
        self.p.copy_((self.p + step.to(self.p)).clamp(0.0, 1.0))

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to the same shape; colours may leave the range."""
        if float(self.p) == 0.0:
            return images
        # Places in bfloat16 would be off by a pixel, and the gradient wants one type for all.
        with torch.autocast(images.device.type, enabled=False):
            moved: Tensor = _Resample.apply(  # type: ignore[no-untyped-call]
                images.float() + 1.0, self._places(images)
            )  # black comes in from outside, as in the paper
            return self._colors(moved - 1.0)

    def _chosen(self, count: int, device: torch.device) -> Tensor:
        """Which images get a change: ``bool [count]``."""
        return torch.rand(count, device=device) < self.p

    def _amount(self, values: Tensor, neutral: float) -> Tensor:
        """``values`` where the change is chosen, else ``neutral``."""
        chosen = self._chosen(len(values), values.device)
        return torch.where(chosen, values, torch.full_like(values, neutral))

    def _places(self, images: Tensor) -> Tensor:
        """A sampling grid of translation, scale, rotation and stretch (appendix B, table 1)."""
        count, device = len(images), images.device
        normal = torch.randn(4, count, device=device)
        scale = self._amount(torch.exp2(0.2 * normal[0]), 1.0)
        stretch = self._amount(torch.exp2(0.2 * normal[1]), 1.0)
        turn = self._amount((torch.rand(count, device=device) * 2 - 1) * math.pi / 8, 0.0)
        right = self._amount((torch.rand(count, device=device) * 2 - 1) * 0.25, 0.0)
        down = self._amount((torch.rand(count, device=device) * 2 - 1) * 0.25, 0.0)
        cos, sin = turn.cos(), turn.sin()
        rows = [
            torch.stack([cos / (scale * stretch), -sin / scale, right], dim=1),
            torch.stack([sin / (scale * stretch), cos / scale, down], dim=1),
        ]
        return affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)

    def _colors(self, images: Tensor) -> Tensor:
        """Brightness, contrast, lightness turned over, and for colours hue and saturation."""
        count, channels, device = len(images), images.shape[1], images.device
        normal = torch.randn(3, count, device=device)
        shift = self._amount(0.2 * normal[0], 0.0)[:, None, None, None]
        contrast = self._amount(torch.exp2(0.5 * normal[1]), 1.0)[:, None, None, None]
        images = (images + shift) * contrast
        if channels == 1:
            return images
        grey = images.mean(dim=1, keepdim=True)
        angle = self._amount((torch.rand(count, device=device) * 2 - 1) * math.pi, 0.0)
        turned = torch.einsum("nij,njhw->nihw", _hue_rotation(angle), images)
        grow = self._amount(torch.exp2(normal[2]), 1.0)[:, None, None, None]
        return (turned - grey) * grow + grey


def _hue_rotation(angle: Tensor) -> Tensor:
    """Rotations about the grey axis: ``float [N]`` to ``float [N, 3, 3]`` (Rodrigues)."""
    axis = 3**-0.5
    cross = torch.tensor(
        [[0, -axis, axis], [axis, 0, -axis], [-axis, axis, 0]], device=angle.device
    )
    eye = torch.eye(3, device=angle.device)
    sin, cos = angle.sin()[:, None, None], angle.cos()[:, None, None]
    return eye * cos + cross * sin + (1 - cos) / 3
