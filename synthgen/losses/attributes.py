"""How wrong it is what a network reads of attributes, whatever their kinds."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

from synthgen.spec.vectors import Attributes


def misread_attributes(field: Attributes, read: Tensor, asked: Tensor) -> Tensor:
    """The sum over attributes of how wrong the outputs ``read`` are about those ``asked``: a
    scalar, 0 where nothing is known.

    Binary cross-entropy of a yes or no, cross-entropy of choices, mean square of a number; each
    the mean over the rows that know the attribute. Those that do not, whose numbers are noughts,
    have no part in it, nor have their gradients.

    Args:
        field: what the numbers of a vector mean.
        read: ``float [N, entering]``: logits of each yes and each choice, and numbers.
        asked: ``float [N, entering]``, as :meth:`Attributes.tensor` gives it.
    """
    losses, at = [read.new_zeros(())], 0
    for name, width in zip(field.names, field.widths, strict=True):
        own, wanted = read[:, at : at + width].float(), asked[:, at : at + width].float()
        at += width
        known = wanted[:, 0] != 0
        if not bool(known.any()):
            continue
        own, wanted = own[known], wanted[known]
        if name in field.choices:
            losses.append(cross_entropy(own, wanted.argmax(dim=1)))
        elif name in field.ranges:
            losses.append(mse_loss(own, wanted))
        else:
            losses.append(binary_cross_entropy_with_logits(own, (wanted + 1) / 2))
    return torch.stack(losses).sum()
