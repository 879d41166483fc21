"""Solids seen from a side: turned, projected to silhouettes, pictured; and views put back in place.

A solid is a grid of a side S: depth (away from who looks), row (down), column (to the right). It is
turned about its upright axis. From the angle 0 one looks along the depth; from 90 degrees the
column of what is seen is the grid's depth. What a turn carries out of the cube is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from synthgen.spec.fields import Field
from synthgen.spec.solids import Views

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TURNTABLE = (30.0, 120.0, 210.0, 300.0)
"""Angles in degrees of the four pictures of a solid."""
ABOVE = 20.0
"""Degrees from above of who looks at these pictures."""
THICK = 6.0
"""Density of what is pictured: one voxel hides what lies behind it."""
DIM = 0.65
"""How much darker the back of the cube is than its front."""


def places(side: int, like: Tensor) -> Tensor:
    """Middles of ``side`` cells between -1 and 1: ``float64 [side]``."""
    import torch

    return (2 * torch.arange(side, dtype=torch.float64, device=like.device) + 1) / side - 1


def rays(angles: Tensor, side: int, height: int, width: int, elevation: float = 0.0) -> Tensor:
    """Where the lines of sight through each pixel pass, ``float32 [A, side, H, W, 3]``: x, y and z
    in [-1, 1] at ``side`` depths, from the near one on. ``angles float [A]`` and ``elevation`` are
    in degrees."""
    import torch

    deep, down, right = torch.meshgrid(
        places(side, angles), places(height, angles), places(width, angles), indexing="ij"
    )
    # Rounded, so that a quarter turn samples the very middles of voxels.
    tilt = torch.deg2rad(torch.tensor(elevation, dtype=torch.float64, device=angles.device))
    cos, sin = tilt.cos().round(decimals=12), tilt.sin().round(decimals=12)
    down, deep = cos * down - sin * deep, sin * down + cos * deep
    turn = torch.deg2rad(angles.double())[:, None, None, None]
    cos, sin = turn.cos().round(decimals=12), turn.sin().round(decimals=12)
    across, away = cos * right - sin * deep, sin * right + cos * deep
    return torch.stack([across, down.expand_as(across), away], dim=-1).float()


@lru_cache(maxsize=32)
def _seen_along(
    angle: float, side: int, height: int, width: int, elevation: float, device: torch.device
) -> Tensor:
    """:func:`rays` from one angle: kept, as few angles are asked for very often."""
    import torch

    with torch.inference_mode(False):  # or training could not use what sampling has made
        at = torch.tensor([angle], dtype=torch.float64, device=device)
        return rays(at, side, height, width, elevation)


@lru_cache(maxsize=32)
def _seen_at(angle: float, side: int, device: torch.device) -> Tensor:
    """Where each voxel is seen in a view, ``float32 [1, S * S, S, 2]``: x and y in [-1, 1]."""
    import torch

    with torch.inference_mode(False):
        middle = places(side, torch.zeros(0, device=device))
        deep, down, right = torch.meshgrid(middle, middle, middle, indexing="ij")
        turn = torch.deg2rad(torch.tensor(angle, dtype=torch.float64, device=device))
        across = turn.cos().round(decimals=12) * right + turn.sin().round(decimals=12) * deep
        return torch.stack([across, down], dim=-1).reshape(1, side * side, side, 2).float()


def turned(solids: Tensor, angle: float, height: int, width: int, elevation: float = 0.0) -> Tensor:
    """What lies along the lines of sight, ``float [N, S, H, W]``, of occupancies
    ``float [N, S, S, S]`` that are all seen from one angle."""
    from torch.nn.functional import grid_sample

    grid = _seen_along(angle, solids.shape[1], height, width, elevation, solids.device)
    grid = grid.to(solids.dtype)
    # As channels of one volume: the weights of each place are found once.
    found: Tensor = grid_sample(solids[None], grid, align_corners=False)[0]
    return found


def turned_each(solids: Tensor, angles: Tensor, height: int, width: int) -> Tensor:
    """As :func:`turned`, each of the solids from its own of the ``angles float [N]``."""
    from torch.nn.functional import grid_sample

    grid = rays(angles, solids.shape[1], height, width).to(solids.dtype)
    found: Tensor = grid_sample(solids[:, None], grid, align_corners=False)[:, 0]
    return found


def projected(lines: Tensor, density: float) -> Tensor:
    """Silhouettes ``float [N, H, W]`` in [0, 1] of what lies along lines of sight, ``[N, S, H,
    W]``: 1 - exp(-density · sum). Gadelha et al. 2016, arXiv:1612.05872, section 3.1, where the
    density is 1."""
    import torch

    return 1 - torch.exp(-density * lines.sum(dim=1))


def silhouettes(solids: Tensor, angles: Sequence[float], height: int, width: int) -> Tensor:
    """Silhouettes ``bool [N, V, H, W]`` of stored solids ``uint8 [N, S, S, S]``: at least half a
    voxel lies along the line of sight."""
    import torch

    full = solids.float()
    lines = [turned(full, angle, height, width).sum(dim=1) for angle in angles]
    return torch.stack(lines, dim=1) > 0.5


def pictures(solids: Tensor, height: int, width: int, channels: int = 1) -> Tensor:
    """Pictures ``uint8 [N, H, W, C]`` of stored solids ``uint8 [N, S, S, S]``: four turns about the
    upright axis, from a little above, white near and grey far, on black.

    Each is as large as the grid; where the image has another size than two of them, they are
    resized.
    """
    import torch
    from torch.nn.functional import interpolate

    side, full = solids.shape[1], solids.float()
    shade = 1 - DIM * (torch.arange(side, device=solids.device) + 0.5) / side
    tiles = []
    for angle in TURNTABLE:
        lines = turned(full, angle, side, side, ABOVE)
        passing = torch.exp(-THICK * (lines.cumsum(dim=1) - lines))  # light that gets so far
        stopped = passing * (1 - torch.exp(-THICK * lines))
        tiles.append((stopped * shade[:, None, None]).sum(dim=1))
    top, bottom = (torch.cat(tiles[at : at + 2], dim=2) for at in (0, 2))
    sheet = torch.cat([top, bottom], dim=1)[:, None]
    if sheet.shape[2:] != (height, width):
        sheet = interpolate(sheet, (height, width), mode="bilinear", antialias=True)
    levels = (sheet * 255).round().clamp(0, 255).byte()
    return levels.permute(0, 2, 3, 1).expand(-1, -1, -1, channels).contiguous()


def lifted(view: Tensor, angle: float, side: int) -> Tensor:
    """A view put back to where it may have come from, ``float [N, C, S, S, S]``: each voxel has the
    value of the pixel that it is seen at from the angle, in ``float [N, C, H, W]``; 0 where it is
    out of sight."""
    from torch.nn.functional import grid_sample

    grid = _seen_at(angle, side, view.device).to(view.dtype)
    count, channels, height, width = view.shape
    flat = view.reshape(1, count * channels, height, width)
    found: Tensor = grid_sample(flat, grid, align_corners=False)
    return found.reshape(count, channels, side, side, side)


def foreground(views: Tensor) -> Tensor:
    """Where views ``uint8 [N, V, H, W, C]`` show something, ``bool [N, V, H, W]``: a value differs
    from the background by a quarter of the range or more. The background is what most of the
    border is."""
    import torch

    values = views.float()
    border = torch.cat(
        [values[:, :, 0], values[:, :, -1], values[:, :, :, 0], values[:, :, :, -1]], dim=2
    )
    background = border.median(dim=2).values[:, :, None, None]
    return (values - background).abs().amax(dim=4) >= 64


def hull(views: Tensor, angles: Sequence[float], side: int) -> Tensor:
    """The visual hull ``uint8 [N, S, S, S]`` of views ``uint8 [N, V, H, W, C]``: all that no view
    rules out (Laurentini 1994)."""
    import torch

    seen = foreground(views).float()
    inside = [lifted(seen[:, v : v + 1], a, side)[:, 0] > 0.5 for v, a in enumerate(angles)]
    return torch.stack(inside).all(dim=0).byte()


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union ``float32 [N]`` of what is true in both; 1 where nothing is."""
    both = (one & other).flatten(1).sum(dim=1).float()
    either = (one | other).flatten(1).sum(dim=1).float()
    return (both / either.clamp(min=1)).where(either > 0, either + 1)


def seen_from(
    field: Field, of: Sequence[Tensor], draws: Tensor, options: Mapping[str, Any]
) -> Tensor:
    """Views of a solid: its silhouettes, white on black."""
    assert isinstance(field, Views)
    (solids,) = of
    seen = silhouettes(solids, field.turns, field.height, field.width)
    return (seen.byte() * 255)[..., None].expand(*seen.shape, field.channels).contiguous()


def views_agree(again: Tensor, wanted: Tensor) -> Tensor:
    """Intersection over union of what two sets of views show, all views of a row together."""
    return overlap(foreground(again), foreground(wanted))
