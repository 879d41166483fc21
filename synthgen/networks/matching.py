"""Images and captions in one space: what belongs together lies near, what does not lies far.

Two encoders and the loss that trains them. A text is what it is to networks already, a bag of
n-grams (``synthgen/spec/texts.py``), so that its encoder is one linear layer, the table of the bag's
embeddings.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, leaky_relu, normalize

from synthgen.networks.canvas import Canvas
from synthgen.networks.condition import embed
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import Task

SHARPNESS = 10.0
"""What cosines are multiplied by before the softmax."""


class TextEncoder(nn.Module):
    """The condition as a vector of unit second moment: of captions the sum of their pieces'
    embeddings, brought to one length."""

    def __init__(self, task: Task, size: int) -> None:
        super().__init__()
        self.embedding = embed(task, size)
        self.scale = size**0.5

    def forward(self, condition: Tensor) -> Tensor:
        """The task's condition ``[N, ...]`` to ``float32 [N, size]``."""
        with torch.autocast(condition.device.type, enabled=False):
            vectors: Tensor = normalize(self.embedding(condition).float(), dim=1)
        return vectors * self.scale


class ImageEncoder(nn.Module):
    """Strided convolutions down to one vector, which is to lie near that of the image's caption."""

    def __init__(self, image: ImageSpec, size: int, width: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(image)
        widths = [width * min(4, 2**level) for level in range(self.canvas.levels)]
        pairs = pairwise([image.channels, *widths])
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in widths)
        self.head = nn.Linear(widths[-1] * self.canvas.base**2, size)

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to ``float32 [N, size]``, of any length."""
        features = self.canvas.cover(images)
        for down, norm in zip(self.downs, self.norms, strict=True):
            features = leaky_relu(norm(down(features)), 0.2)
        return self.head(features.flatten(1)).float()  # type: ignore[no-any-return]


def numbered(condition: Tensor) -> Tensor:
    """``int64 [N]``: a number for each row, the same for rows whose condition ``[N, ...]`` is
    equal."""
    return torch.unique(condition, dim=0, return_inverse=True)[1]


def mismatched_rows(numbers: Tensor) -> Tensor:
    """For each row another one that has another number, at random, ``int64 [N]``; -1 where all
    have its own."""
    others = (numbers[:, None] != numbers[None]).float()
    there = others.any(dim=1)
    chosen = torch.multinomial(torch.where(there[:, None], others, 1.0), 1)[:, 0]
    return torch.where(there, chosen, -1)


def matching_loss(images: Tensor, texts: Tensor, numbers: Tensor) -> Tensor:
    """How badly images ``[N, size]`` find their texts ``[N, size]`` among those of the batch, and
    texts their images: a scalar; ln N where nothing is learnt.

    The cross-entropy of cosines, both ways (equation 9 and 10 of Xu et al. 2017, arXiv:1711.10485).
    Rows of one number have the same text: none of them is another's wrong answer.
    """
    cosines = normalize(images.float(), dim=1) @ normalize(texts.float(), dim=1).t()
    same = numbers[:, None] == numbers[None]
    same.fill_diagonal_(False)
    scores = (cosines * SHARPNESS).masked_fill(same, -torch.inf)
    own = torch.arange(len(scores), device=scores.device)
    return (cross_entropy(scores, own) + cross_entropy(scores.t(), own)) / 2
