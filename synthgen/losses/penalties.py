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
    # A copy, because hooks on networks (a FLOP counter's) cannot take a leaf as their input.
    logits = judge(inputs.clone())
    (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean() / 2


def unit_gradient_penalty(judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Mean of (||dD/dx|| - 1)^2 at random points between reals and fakes, one point per pair.

    Gulrajani et al. 2017, arXiv:1704.00028, equation 3, without the factor lambda.

    Args:
        judge: images ``float [N, C, H, W]`` to logits ``float [N]``.
        real: ``float [N, C, H, W]``.
        fake: the same shape; both are detached first.
    """
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = torch.lerp(real.detach().float(), fake.detach().float(), share).requires_grad_(True)
    logits = judge(between.clone())
    (gradient,) = torch.autograd.grad(logits.sum(), between, create_graph=True)
    norms: Tensor = gradient.float().flatten(1).norm(dim=1)
    return (norms - 1.0).square().mean()


def off_diagonal_orthogonality(weight: Tensor) -> Tensor:
    """||W W^T with its diagonal taken away||^2, rows of ``weight`` as vectors.

    Brock et al. 2018, arXiv:1809.11096, equation 3: zero for orthogonal rows of any length.
    """
    rows = weight.flatten(1)
    products = rows @ rows.t()
    return (products - torch.diag(products.diag())).square().sum()


def drift(real: Tensor) -> Tensor:
    """Mean square of the reals' logits ``float [N]``: keeps a critic near nought.

    Karras et al. 2017, arXiv:1710.10196, appendix A.1.
    """
    return real.float().square().mean()


def path_lengths(images: Tensor, styles: Tensor) -> Tensor:
    """Length of ``J^T y`` per image, ``float [N]``; y is Gaussian noise over the image's side.

    Karras et al. 2019, arXiv:1912.04958, section 3.2 and appendix B. A linear synthesiser A has the
    lengths ``||A^T y||``. The result can be differentiated again.

    Args:
        images: ``float [N, C, H, W]``, computed from ``styles``.
        styles: ``float [N, layers, style]``; one style enters all layers, so squares add up over
            the style and are averaged over the layers.
    """
    noise = torch.randn_like(images) / (images.shape[2] * images.shape[3]) ** 0.5
    (gradient,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
    lengths: Tensor = gradient.float().square().sum(dim=2).mean(dim=1).sqrt()
    return lengths
