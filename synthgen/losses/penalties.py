"""Gradient penalties on discriminators."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def zero_centered_penalty(judge: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Half the mean squared gradient norm of the judge at ``images``: 1/2 E ||dD/dx||^2.

    R1 on real images, R2 on generated ones (Mescheder et al. 2018, arXiv:1801.04406, equations 9
    and 10, without the factor gamma). The gradient is taken with respect to ``images`` as given,
    before any augmentation inside ``judge``, and the result can be differentiated again.

    Args:
        judge: images ``float [N, C, H, W]`` to logits ``float [N]``.
        images: ``float [N, C, H, W]``; detached first.
    """
    inputs = images.detach().float().requires_grad_(True)
    (gradient,) = torch.autograd.grad(judge(inputs).sum(), inputs, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean() / 2
