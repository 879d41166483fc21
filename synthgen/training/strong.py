"""Strong augmentation for classifiers that meet another look than they learnt: turned, scaled,
sheared, shifted, of other contrast and other strokes, noisy."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, max_pool2d

TURN = math.radians(20)
SCALE = 0.25
SHIFT = 0.15
SHEAR = 0.25
NOISE = 0.2


def strong(images: Tensor) -> Tensor:
    """``float [N, C, H, W]`` in [-1, 1] to the same shape and range; draws from torch's global
    generator."""
    return _noisy(_recoloured(_stroked(moved(images))))


def moved(images: Tensor) -> Tensor:
    """Each image turned by up to 20 degrees, scaled by up to a quarter, sheared and shifted; border
    pixels are repeated outside."""
    count, device = len(images), images.device
    turn, shear, first, second, down, over = (2 * torch.rand(6, count, device=device) - 1).unbind()
    cos, sin = torch.cos(turn * TURN), torch.sin(turn * TURN)
    tall, wide = 1 + SCALE * first, 1 + SCALE * second
    slant = SHEAR * shear
    theta = torch.stack(
        [
            torch.stack([cos * wide, -sin + slant, SHIFT * over], dim=1),
            torch.stack([sin, cos * tall, SHIFT * down], dim=1),
        ],
        dim=1,
    )
    grid = affine_grid(theta, list(images.shape), align_corners=False)
    return grid_sample(images.float(), grid, padding_mode="border", align_corners=False)


def _stroked(images: Tensor) -> Tensor:
    """A third of the images with thicker bright strokes, a third blurred."""
    which = torch.randint(0, 3, (len(images), 1, 1, 1), device=images.device)
    thick = max_pool2d(images, 3, stride=1, padding=1)
    soft = avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)
    return torch.where(which == 0, thick, torch.where(which == 1, soft, images))


def _recoloured(images: Tensor) -> Tensor:
    """Contrast x [0.5, 1.5) about the mean, brightness shifted by up to a quarter of the range."""
    contrast, shift = torch.rand(2, len(images), 1, 1, 1, device=images.device)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    changed: Tensor = (images - mean) * (0.5 + contrast) + mean + (shift - 0.5)
    return changed


def _noisy(images: Tensor) -> Tensor:
    """Noise of up to a tenth of the range; then within the range."""
    strength = NOISE * torch.rand(len(images), 1, 1, 1, device=images.device)
    noisy: Tensor = images + strength * torch.randn_like(images)
    return noisy.clamp(-1, 1)
