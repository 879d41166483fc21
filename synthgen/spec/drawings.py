"""Drawings of photographs: their edges as thin dark lines on white, and how two of them agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from synthgen.spec.fields import Field

THRESHOLD = 10.0
"""Grey levels a pixel by which an image changes across a line, at least."""
DARK = 128
"""Below this level a pixel of a drawing is part of a line."""
STEPS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Rows and columns from a pixel to its neighbour across an edge, for slopes of 0, 45, 90 and 135
degrees."""


def sketch(field: Field, of: Sequence[Tensor], draws: Tensor, options: Mapping[str, Any]) -> Tensor:
    """Stored rows of the image ``field``, ``uint8 [N, H, W, C]``: 0 where the photograph has an
    edge, else 255.

    Canny 1986, "A computational approach to edge detection", without its hysteresis: the grey
    values are smoothed, and of the places where they change by at least ``threshold`` levels a
    pixel those are lines that change more than their neighbours on either side.
    """
    import torch
    from torch.nn.functional import conv2d, pad

    (images,) = of  # uint8 [N, H, W, C]
    grey = images.float().mean(dim=3)[:, None]
    smooth = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=grey.device) / 16
    grey = conv2d(pad(grey, (2, 2, 0, 0), mode="replicate"), smooth[None, None, None])
    grey = conv2d(pad(grey, (0, 0, 2, 2), mode="replicate"), smooth[None, None, :, None])
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=grey.device) / 8
    kernels = torch.stack([across, across.t()])[:, None]
    slopes = conv2d(pad(grey, (1, 1, 1, 1), mode="replicate"), kernels)
    size = slopes.square().sum(dim=1).sqrt()
    angle = torch.atan2(slopes[:, 1], slopes[:, 0])
    sector = (angle / (torch.pi / 4)).round().long() % 4
    wide = pad(size[:, None], (1, 1, 1, 1))[:, 0]
    height, width = size.shape[1:]
    lines = torch.zeros_like(size, dtype=torch.bool)
    for number, (down, right) in enumerate(STEPS):
        ahead = wide[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
        behind = wide[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]
        # Of two equal neighbours one is enough.
        lines |= (sector == number) & (size >= ahead) & (size > behind)
    lines &= size >= float(options.get("threshold", THRESHOLD))
    drawn = torch.where(lines, 0, 255).to(torch.uint8)
    return drawn[..., None].expand(-1, -1, -1, field.stored()[1][2]).contiguous()


def lines_agree(one: Tensor, other: Tensor) -> Tensor:
    """F1 of the dark lines of two sets of drawings ``uint8 [N, H, W, C]``: ``float32 [N]`` in [0,
    1].

    A pixel of a line is right where the other drawing has one within a pixel; two drawings
    without any line agree.
    """
    from torch.nn.functional import max_pool2d

    first, second = ((x.float().mean(dim=3)[:, None] < DARK).float() for x in (one, other))
    found = [
        (own * max_pool2d(theirs, 3, stride=1, padding=1)).flatten(1).sum(dim=1)
        / own.flatten(1).sum(dim=1).clamp(min=1)
        for own, theirs in ((first, second), (second, first))
    ]
    score = 2 * found[0] * found[1] / (found[0] + found[1]).clamp(min=1e-9)
    neither = (first + second).flatten(1).sum(dim=1) == 0
    return score.masked_fill(neither, 1.0)
