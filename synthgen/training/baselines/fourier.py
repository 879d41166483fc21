"""Fourier domain adaptation: the low frequencies' amplitudes of another domain.

Yang & Soatto 2020, arXiv:2004.05498, equations 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from synthgen.training.baselines.pool import Pool
from synthgen.training.fixed_budget import plain_loss

REACH = 0.05
"""Half the side of the swapped square of frequencies, as a share of the image's side (beta)."""


def with_amplitudes(images: Tensor, others: Tensor, reach: float = REACH) -> Tensor:
    """Images ``float [N, C, H, W]`` with the phases of ``images`` and, of the lowest frequencies,
    the amplitudes of ``others``, of the same shape; clamped to [-1, 1].

    Frequencies count as low up to ``floor(reach * min(H, W))`` from the mean both ways.
    """
    height, width = images.shape[2:]
    most = int(reach * min(height, width))
    own, theirs = torch.fft.fft2(images), torch.fft.fft2(others)
    rows = (torch.fft.fftfreq(height) * height).abs() <= most
    columns = (torch.fft.fftfreq(width) * width).abs() <= most
    low = (rows[:, None] & columns[None, :]).to(images.device)
    amplitudes = torch.where(low, theirs.abs(), own.abs())
    made: Tensor = torch.fft.ifft2(torch.polar(amplitudes, own.angle())).real.clamp(-1, 1)
    return made


def fourier_loss(
    pool: Pool,
    network: nn.Module,
    augment: Callable[[Tensor], Tensor],
    pixels: Tensor,
    truth: Tensor,
) -> Tensor:
    """Cross-entropy of images that have each a random pool image's low amplitudes."""
    with torch.autocast(pixels.device.type, enabled=False):
        dressed = with_amplitudes(pixels.float(), pool.next(len(pixels), pixels.device))
    return plain_loss(
        network, augment, dressed.contiguous(memory_format=torch.channels_last), truth
    )
