"""Images and captions in one space: the loss that brings together what belongs together, which rows
are others' wrong answers, and how often an image finds its own caption."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

SHARPNESS = 10.0
"""What cosines are multiplied by before the softmax."""


def numbered(rows: Tensor) -> Tensor:
    """``int64 [N]``: a number for each of rows ``[N, ...]``, the same for those that are equal."""
    numbers: Tensor = torch.unique(rows, dim=0, return_inverse=True)[1]
    return numbers


def mismatched_rows(numbers: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """For each row another one that has another number, at random, ``int64 [N]``; -1 where all
    have its own. Drawn by torch's global generator, if no other is given."""
    others = (numbers[:, None] != numbers[None]).float()
    there = others.any(dim=1)
    likely = torch.where(there[:, None], others, 1.0)
    chosen = torch.multinomial(likely, 1, generator=generator)[:, 0]
    return torch.where(there, chosen, -1)


def matching_loss(images: Tensor, texts: Tensor, numbers: Tensor) -> Tensor:
    """How badly images ``[N, size]`` find their texts ``[N, size]`` among those of the batch, and
    texts their images: a scalar; ln N where nothing is learnt.

    The cross-entropy of cosines, both ways (Xu et al. 2017, arXiv:1711.10485, equations 9 and 10).
    Rows of one number have the same text: none of them is another's wrong answer.
    """
    cosines = normalize(images.float(), dim=1) @ normalize(texts.float(), dim=1).t()
    same = numbers[:, None] == numbers[None]
    same.fill_diagonal_(False)
    scores = (cosines * SHARPNESS).masked_fill(same, -torch.inf)
    own = torch.arange(len(scores), device=scores.device)
    return (cross_entropy(scores, own) + cross_entropy(scores.t(), own)) / 2


def finds_its_own(own: Tensor, others: Tensor, usable: Tensor, count: int) -> Tensor:
    """Whether an image is nearer to its own text than to those of ``count - 1`` others, drawn at
    random but always the same: ``bool [N]``.

    R-precision of Xu et al. 2017, arXiv:1711.10485, section 4.1, with one relevant text.

    Args:
        own: cosines with the own text, ``float [N]``.
        others: with further texts, ``float [N, B]``.
        usable: which of these are not the own one again, ``bool [N, B]``.
        count: texts of which one is to be found; where fewer are usable, all of them.
    """
    keys = torch.rand(others.shape, generator=torch.Generator().manual_seed(0)).to(others.device)
    drawn = (keys * usable).topk(min(count - 1, others.shape[1]), dim=1).indices
    rivals = others.masked_fill(~usable, -torch.inf).gather(1, drawn)
    return own > rivals.amax(dim=1)
