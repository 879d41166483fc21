"""DiffAugment: differentiable augmentation of reals and fakes (Zhao et al. 2020, arXiv:2006.10738).

Color, translation and cutout as in section 4 of the paper, on the device, from the global generator
of random numbers, which the training loop seeds anew for every step.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def no_augmentation(images: Tensor) -> Tensor:
    """The images as they are."""
    return images


def diffaugment(images: Tensor) -> Tensor:
    """``float [N, C, H, W]`` in [-1, 1] to the same shape; color may leave the range a little."""
    return cutout(translate(jitter(images)))


def jitter(images: Tensor) -> Tensor:
    """Brightness shifted by up to half the range of one sign, saturation x [0, 2), contrast x
    [0.5, 1.5).

    Grey images have no saturation to change.
    """
    count = images.shape[0]
    shift, saturation, contrast = torch.rand(
        3, count, 1, 1, 1, device=images.device, dtype=images.dtype
    )
    images = images + (shift - 0.5)
    if images.shape[1] > 1:
        grey = images.mean(dim=1, keepdim=True)
        images = (images - grey) * (saturation * 2) + grey
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    changed: Tensor = (images - mean) * (contrast + 0.5) + mean
    return changed


def translate(images: Tensor, share: float = 0.125) -> Tensor:
    """Shift each image by up to ``share`` of its side both ways; zeros come in."""
    count, _, height, width = images.shape
    reach = max(1, round(height * share)), max(1, round(width * share))
    down = torch.randint(-reach[0], reach[0] + 1, (count, 1, 1), device=images.device)
    right = torch.randint(-reach[1], reach[1] + 1, (count, 1, 1), device=images.device)
    rows = (torch.arange(height, device=images.device)[None, :, None] + down + 1).clamp(
        0, height + 1
    )
    columns = (torch.arange(width, device=images.device)[None, None, :] + right + 1).clamp(
        0, width + 1
    )
    padded = pad(images, (1, 1, 1, 1)).permute(0, 2, 3, 1)  # [N, H + 2, W + 2, C]
    index = torch.arange(count, device=images.device)[:, None, None]
    return padded[index, rows, columns].permute(0, 3, 1, 2)


def cutout(images: Tensor, share: float = 0.5) -> Tensor:
    """Blank a square of ``share`` of the side at a random place of each image."""
    count, _, height, width = images.shape
    tall, wide = int(height * share + 0.5), int(width * share + 0.5)
    top = torch.randint(0, height + 1 - tall % 2, (count, 1, 1), device=images.device) - tall // 2
    left = torch.randint(0, width + 1 - wide % 2, (count, 1, 1), device=images.device) - wide // 2
    rows = torch.arange(height, device=images.device)[None, :, None]
    columns = torch.arange(width, device=images.device)[None, None, :]
    inside = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    return images * (~inside).unsqueeze(1).to(images.dtype)  # [N, 1, H, W]
