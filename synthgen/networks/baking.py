"""What a network computes again for every batch though its weights stand still: computed once.

For generators and classifiers that are done with training. The pixels stay the same but for the
order of a few roundings.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

N = TypeVar("N", bound=nn.Module)


@torch.no_grad()
def bake(network: N) -> N:
    """Bake spectral norms, norms after convolutions, what modules bake themselves; gives it back.

    A module says which norms follow its convolutions (``norm_pairs()``: convolution, owner and name
    of the norm), and has ``bake()`` for the rest.

    Call it once, in evaluation mode, after the weights are loaded: the state is of other tensors
    afterwards.
    """
    for module in network.modules():
        if is_parametrized(module):
            for name in list(getattr(module, "parametrizations", {})):
                remove_parametrizations(module, name, leave_parametrized=True)
    for module in network.modules():
        pairs = getattr(module, "norm_pairs", tuple)
        for convolution, owner, name in pairs():
            setattr(owner, name, fold_norm(convolution, getattr(owner, name)))
        getattr(module, "bake", tuple)()
    return network.requires_grad_(False)


def norm_scale(norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and shift ``float [C]`` that a batch norm in evaluation mode comes to."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = (norm.running_var + norm.eps).rsqrt()
    if norm.affine:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift + norm.bias if norm.affine else shift


def fold_norm(convolution: nn.Module, norm: nn.Module) -> nn.Module:
    """Put the batch norm that follows a convolution into its kernel and bias.

    Gives what then stands in the norm's place: nothing. Anything but a batch norm stays.
    """
    if not isinstance(norm, nn.BatchNorm2d):
        return norm
    assert isinstance(convolution, nn.Conv2d | nn.ConvTranspose2d)
    scale, shift = norm_scale(norm)
    transposed = isinstance(convolution, nn.ConvTranspose2d)  # whose kernels are [in, out, h, w]
    shape = (1, -1, 1, 1) if transposed else (-1, 1, 1, 1)
    convolution.weight.mul_(scale.reshape(shape))
    if convolution.bias is not None:
        shift = shift + convolution.bias * scale
    convolution.bias = nn.Parameter(shift, requires_grad=False)
    return nn.Identity()
