"""Losses of images of people in poses (Ma et al. 2017, arXiv:1705.09368, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

FOUND = 0.3
"""Height of a joint's bump from which on it is seen."""


def pose_mask(heat: Tensor, limbs: Sequence[tuple[int, int]], reach: float) -> Tensor:
    """Where a body is: ``float32 [N, 1, H, W]``, 1 within ``reach`` pixels of a limb between two
    joints that are seen or of a joint, else 0.

    ``heat`` are bumps ``[N, J, H, W]``, a channel a joint. The paper connects the joints and makes
    the lines thicker (section 3.2).
    """
    count, joints, height, width = heat.shape
    best, place = heat.float().flatten(2).max(dim=2)
    across, down = place % width, torch.div(place, width, rounding_mode="floor")
    points = torch.stack([across, down], dim=2).float()  # [N, J, 2]
    seen = best > FOUND
    ends = [*limbs, *((joint, joint) for joint in range(joints))]
    first, last = (torch.tensor(side, device=heat.device) for side in zip(*ends, strict=True))
    start, step = points[:, first], points[:, last] - points[:, first]  # [N, L, 2]
    rows = torch.arange(height, device=heat.device, dtype=torch.float32)[:, None]
    columns = torch.arange(width, device=heat.device, dtype=torch.float32)[None]
    right = columns - start[..., 0, None, None]
    below = rows - start[..., 1, None, None]
    wide, high = step[..., 0, None, None], step[..., 1, None, None]
    # The place on the limb that is nearest, as a share of the way along it.
    share = ((right * wide + below * high) / (wide**2 + high**2).clamp(min=1e-6)).clamp(0, 1)
    away = (right - share * wide) ** 2 + (below - share * high) ** 2
    there = (seen[:, first] & seen[:, last])[..., None, None]
    mask = ((away <= reach**2) & there).any(dim=1, keepdim=True)
    return mask.float().reshape(count, 1, height, width)


def masked_error(made: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``|made - wanted| * (1 + mask)``: L1 in which the body counts twice, a scalar (Ma et
    al. 2017, equation 2). Images are ``[N, C, H, W]``, the mask ``[N, 1, H, W]``."""
    return ((made.float() - wanted.float()).abs() * (1 + mask)).mean()


def spread(made: Tensor, other: Tensor, latents: Tensor, others: Tensor, most: Tensor) -> Tensor:
    """How far two images of one condition differ for the difference of their latents, a scalar.

    Mean over the rows of ``min(|made - other|, most) / |z - z'|``, each the mean absolute
    difference: what diversity-sensitive GANs raise (Yang et al. 2019, arXiv:1901.09024, equation
    2), where ``most`` is a bound; here a scalar, how far two real images differ.
    """
    apart = (made.float() - other.float()).abs().flatten(1).mean(dim=1)
    latent = (latents - others).abs().flatten(1).mean(dim=1)
    return (torch.minimum(apart, most) / latent.clamp(min=1e-3)).mean()
