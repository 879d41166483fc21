"""Fingerprints: 32 small numbers of an image by which copies of it are found.

The lowest frequencies of a cosine transform of the grey values, under a window that fades at the
border, where a shifted copy has lost what the original shows. All sums are of whole numbers that
float64 holds exactly, so a fingerprint is the same on every device and in every batch; so are
distances between them.

A copy that was moved by a pixel or two has another fingerprint. It is found by comparing the
fingerprints of all small shifts of one of the two images (``reach``): on Fashion-MNIST and
CIFAR-10 this found every moved copy, where any one fingerprint made blind to shifts took them for
other images of their class.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import pad

SIZE = 32
SCALE = 512
"""Steps of a fingerprint's number for an amplitude of one: 127 is a quarter of the full range."""
WORKING_SIDE = 32
"""Larger images are averaged down by a whole factor until they are under twice this side."""
FADING = 5 / 32
"""Share of the side over which the window rises from nought to one."""
WHOLE = 2**12
GREY = (299, 587, 114)
"""Thousandths of red, green and blue in a grey value (ITU-R BT.601)."""
TOGETHER = 2**22
"""Distances in memory at once."""

FREQUENCIES = sorted(
    ((a, b) for a in range(8) for b in range(8)), key=lambda pair: (sum(pair), max(pair), pair)
)[:SIZE]


def reach_of(height: int, width: int) -> int:
    """The largest shift in pixels (of the working size) at which copies are looked for: 2; 1 under
    20 pixels."""
    return 2 if min(height, width) >= 20 else 1


def fingerprints(images: Tensor, reach: int = 0) -> Tensor:
    """``uint8 [N, H, W, C]`` to ``int8 [N, S, 32]``, S the ``(2 * reach + 1) ** 2`` shifts.

    The middle one is the image's own; moved images repeat their border.
    """
    grey = _whole_grey(images)  # float64 [N, h, w], whole numbers
    height, width = grey.shape[1:]
    grey = pad(grey[:, None], (reach,) * 4, mode="replicate")[:, 0] if reach else grey
    rows = _templates(height, reach, images.device)  # [A, h]
    columns = _templates(width, reach, images.device)  # [B, w]
    # On the CPU batched products of small matrices are slow, two large ones are not.
    half = grey.reshape(-1, grey.shape[2]) @ columns.T  # [N * h, B]
    half = half.view(len(images), grey.shape[1], -1).transpose(1, 2)
    whole = (half.reshape(-1, grey.shape[1]) @ rows.T).view(len(images), len(columns), len(rows))
    down, across = _places(reach, images.device)
    picked = whole[:, across, down]
    shrink = max(1, min(images.shape[1], images.shape[2]) // WORKING_SIDE)
    steps = SCALE / (255_000 * shrink**2 * WHOLE**2)
    made = (picked * steps).round_().clamp_(-127, 127).to(torch.int8)
    return made.view(len(images), -1, SIZE)


def _whole_grey(images: Tensor) -> Tensor:
    """Grey values as whole numbers: thousandths, summed over squares of a large image, centred."""
    shrink = max(1, min(images.shape[1], images.shape[2]) // WORKING_SIDE)
    if images.shape[3] == 1:
        grey = images[..., 0].double() * 1000
    else:
        red, green, blue = (images[..., i].double() * part for i, part in enumerate(GREY))
        grey = red.add_(green).add_(blue)
    if shrink > 1:
        height, width = (side // shrink for side in grey.shape[1:])
        grey = grey[:, : height * shrink, : width * shrink]
        grey = grey.reshape(-1, height, shrink, width, shrink).sum(dim=(2, 4))
    return grey - 127_500 * shrink**2


@lru_cache(maxsize=16)
def _templates(side: int, reach: int, device: torch.device) -> Tensor:
    """Waves under the window by frequency and shift, whole numbers: ``[8 * S, side + 2r]``."""
    at = torch.arange(side, dtype=torch.float64) + 0.5
    fade = max(1.0, FADING * side)
    window = torch.sin(torch.minimum(at, side - at).div(fade).clamp(max=1.0) * math.pi / 2) ** 2
    found = torch.zeros(8, 2 * reach + 1, side + 2 * reach, dtype=torch.float64)
    for frequency in range(8):
        wave = torch.cos(math.pi * at * frequency / side) * (math.sqrt(2) if frequency else 1.0)
        whole = (wave * window / window.sum() * WHOLE).round()
        for shift in range(2 * reach + 1):
            found[frequency, shift, shift : shift + side] = whole
    return found.flatten(0, 1).to(device)


@lru_cache(maxsize=16)
def _places(reach: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Which template down and which across, for every shift and frequency: ``int64 [S * 32]``."""
    shifts = 2 * reach + 1
    down, across = [], []
    for vertical in range(shifts):
        for horizontal in range(shifts):
            for a, b in FREQUENCIES:
                down.append(a * shifts + vertical)
                across.append(b * shifts + horizontal)
    return torch.tensor(down, device=device), torch.tensor(across, device=device)


def comparable(known: Tensor) -> Tensor:
    """``int8 [M, 32]`` as :func:`distances` multiplies them, ``float32 [M, 34]``: worth keeping
    where the same ones are compared with again and again."""
    values = known.float()
    lengths = values.square().sum(dim=1, keepdim=True)
    return torch.cat([values, lengths, torch.ones_like(lengths)], dim=1)


def distances(asked: Tensor, known: Tensor) -> Tensor:
    """Squared distance of each pair, the least over the shifts: ``float32 [N, M]``, whole numbers.

    ``asked int8 [N, S, 32]``, ``known int8 [M, 32]`` or what :func:`comparable` makes of it; all
    sums stay under 2^24, so that float32 is exact in any order of summing.
    """
    first = asked.float()
    lengths = first.square().sum(dim=2, keepdim=True)
    second = known if known.is_floating_point() else comparable(known)
    # |a - b|^2 = |a|^2 + |b|^2 - 2 ab, all three in one product.
    apart = torch.cat([-2 * first, torch.ones_like(lengths), lengths], dim=2) @ second.T
    return apart[:, 0] if apart.shape[1] == 1 else apart.amin(dim=1)


def nearest(asked: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Distance ``float32 [N]`` and position ``int64 [N]`` of the nearest of ``known``.

    As :func:`distances` takes them; the first of several that are as near. Without any to compare
    with, infinite and -1.
    """
    count = len(asked)
    step = max(1, TOGETHER // max(1, count * asked.shape[1]))
    if 0 < len(known) <= step:
        found, position = distances(asked, known).min(dim=1)
        return found.sqrt(), position
    best = torch.full((count,), float("inf"), device=asked.device)
    where = torch.full((count,), -1, dtype=torch.int64, device=asked.device)
    for start in range(0, len(known), step):
        found, position = distances(asked, known[start : start + step]).min(dim=1)
        better = found < best
        best = torch.where(better, found, best)
        where = torch.where(better, position + start, where)
    return best.sqrt(), where
