"""An image of two layers: an object behind a mask, and the background that is seen around it.

Sauer & Geiger 2021, arXiv:2101.06046, "Composition Mechanism". The background is drawn a little
larger than the image, and a window of it is shown.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthgen.networks.layers import ACTIVATION_GAIN, ProjectionHead, activate
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import Task

STRETCH = 0.05
"""How far a mask's sigmoid is stretched beyond 0 and 1 before it is cut to them: so far inside and
outside of an object nothing of the other layer is left."""
SLOPE = 3.0
"""Logit of a mask for a network's output of one."""


def soft_mask(outputs: Tensor) -> Tensor:
    """Masks ``float32 [N, 1, H, W]`` in [0, 1] from a network's outputs of that shape.

    A stretched sigmoid, cut to [0, 1] (Louizos et al. 2017, arXiv:1712.01312, section 2.2). The
    gradient is the sigmoid's, so that what is cut can come back.
    """
    plain = torch.sigmoid(SLOPE * outputs.float())
    wide = ((1 + 2 * STRETCH) * plain - STRETCH).clamp(0.0, 1.0)
    return plain + (wide - plain).detach()


def centre(height: int, width: int, device: torch.device) -> Tensor:
    """``float32 [height, width]``: 1 in the middle, falling with the squared distance to -1 in the
    corners."""
    down = torch.linspace(-1, 1, height, device=device)[:, None]
    across = torch.linspace(-1, 1, width, device=device)[None]
    return 1 - down.square() - across.square()


def composed(mask: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
    """``m * f + (1 - m) * b``: ``float32 [N, C, H, W]``; ``mask`` is ``[N, 1, H, W]`` in [0, 1]."""
    return mask * foreground.float() + (1 - mask) * background.float()


def windows(images: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
    """Windows ``[N, C, height, width]`` of ``[N, C, H, W]`` at ``top`` and ``left``, ``int64
    [N]``."""
    device = images.device
    rows = top[:, None] + torch.arange(height, device=device)
    columns = left[:, None] + torch.arange(width, device=device)
    each = torch.arange(len(images), device=device)[:, None, None]
    found = images.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]]
    return found.permute(0, 3, 1, 2)


def places(normal: Tensor, count: int) -> Tensor:
    """Whole numbers ``int64`` below ``count``, each as likely, from standard normal ones."""
    even: Tensor = torch.special.ndtr(normal.float())
    return (even * count).long().clamp(0, count - 1)


def patch_side(image: ImageSpec) -> int:
    """Side in pixels of the patches that backgrounds are judged by: a quarter of the image's, at
    least 8, at most half of it."""
    side = min(image.height, image.width)
    return max(min(8, side // 2), side // 4)


def corner_patches(images: Tensor, side: int) -> Tensor:
    """A patch from near each corner of each image: ``[4 * N, C, side, side]``, corner by corner.

    Moved by up to an eighth of the image's side towards the middle; draws from torch's global
    generator.
    """
    count, _, height, width = images.shape
    found = []
    for low, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        moved = (torch.rand(2, count, device=images.device) * (min(height, width) // 8 + 1)).long()
        top = (height - side - moved[0]).clamp(min=0) if low else moved[0].clamp(max=height - side)
        left = (width - side - moved[1]).clamp(min=0) if right else moved[1].clamp(max=width - side)
        found.append(windows(images, top, left, side, side))
    return torch.cat(found)


def any_patches(images: Tensor, side: int) -> Tensor:
    """Four patches from anywhere in each image: ``[4 * N, C, side, side]``, as those of
    :func:`corner_patches` in order; draws from torch's global generator."""
    count, _, height, width = images.shape
    found = []
    for _ in range(4):
        drawn = torch.rand(2, count, device=images.device)
        top = (drawn[0] * (height - side + 1)).long().clamp(max=height - side)
        left = (drawn[1] * (width - side + 1)).long().clamp(max=width - side)
        found.append(windows(images, top, left, side, side))
    return torch.cat(found)


class PatchJudge(nn.Module):
    """Patches and what their background is told to logits: three convolutions and a mean."""

    def __init__(self, task: Task, width: int) -> None:
        super().__init__()
        channels = task.image.channels
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1),
        )
        self.head = ProjectionHead(4 * width, task)
        for module in self.layers:
            if isinstance(module, nn.Conv2d):  # He et al. 2015, arXiv:1502.01852
                nn.init.normal_(
                    module.weight, std=ACTIVATION_GAIN * module.weight[0].numel() ** -0.5
                )

    def forward(self, patches: Tensor, condition: Tensor) -> Tensor:
        """``float [N, C, P, P]`` and the task's condition to logits ``float32 [N]``."""
        features = activate(self.layers(patches)).mean(dim=(2, 3))
        logits: Tensor = self.head(features, condition)
        return logits
