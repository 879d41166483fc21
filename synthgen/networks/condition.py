"""How what is given enters networks: one embedding for indices and vectors together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from synthgen.spec.task import Task


class Mixed(nn.Module):
    """Indices and a vector in one ``float [N, indices + width]``, embedded and concatenated."""

    def __init__(self, counts: tuple[int, ...], width: int, size: int) -> None:
        super().__init__()
        parts = len(counts) + (width > 0)
        sizes = [size * (part + 1) // parts - size * part // parts for part in range(parts)]
        self.tables = nn.ModuleList(nn.Embedding(n, s) for n, s in zip(counts, sizes, strict=False))
        self.linear = nn.Linear(width, sizes[-1]) if width else None

    def forward(self, condition: Tensor) -> Tensor:
        """``float [N, indices + width]`` to ``float [N, size]``."""
        found = [table(condition[:, i].long()) for i, table in enumerate(self.tables)]
        if self.linear is not None:
            found.append(self.linear(condition[:, len(self.tables) :]))
        return torch.cat(found, dim=1)


def embed(task: Task, size: int) -> nn.Module:
    """A module from :meth:`~synthgen.spec.task.Task.condition` to ``float [N, size]``.

    An embedding of a label (of the one stratum, where nothing is given), a linear layer on a
    vector, or both, one after another.
    """
    counts, width = _parts(task)
    if not width and len(counts) <= 1:
        return nn.Embedding(counts[0] if counts else 1, size)
    return Mixed(counts, width, size) if counts else nn.Linear(width, size)


def _parts(task: Task) -> tuple[tuple[int, ...], int]:
    """Classes of each index, and numbers of all vectors."""
    given = [task.fields[name] for name in task.conditions]
    counts = tuple(field.entering for field in given if field.enters == "index")
    return counts, sum(field.entering for field in given if field.enters == "vector")


def start(module: nn.Module, *, mean: float = 0.0, std: float = 1.0) -> None:
    """Begin an embedding with outputs about ``mean``, spread by ``std``; 0 draws nothing."""
    for part in module.modules():
        if not isinstance(part, nn.Embedding | nn.Linear):
            continue
        centre = mean if isinstance(part, nn.Embedding) else 0.0
        if std == 0.0:
            nn.init.constant_(part.weight, centre)
        else:
            # As many ones and minus ones as there are numbers: their sum is as spread as one.
            share = 1.0 if isinstance(part, nn.Embedding) else part.in_features**-0.5
            nn.init.normal_(part.weight, mean=centre, std=std * share)
        if isinstance(part, nn.Linear):
            nn.init.constant_(part.bias, mean)


def map_channels(task: Task) -> int:
    """Channels of all maps that are given, one beside another."""
    given = (task.fields[name] for name in task.given)
    return sum(field.entering for field in given if field.enters == "map")


def condition_shape(task: Task) -> tuple[tuple[int, ...], torch.dtype]:
    """Shape of one row's condition, and its type."""
    counts, width = _parts(task)
    if not width and len(counts) <= 1:
        return (), torch.int64
    return (len(counts) + width,), torch.float32


def index_count(task: Task) -> int:
    """Values that :func:`index_of` may take."""
    counts, _ = _parts(task)
    return counts[0] if counts else 1


def index_of(condition: Tensor, count: int) -> Tensor:
    """The first index in a condition: ``int64 [N]``; 0 throughout where there is none
    (``count`` 1)."""
    if condition.dtype == torch.int64:
        return condition
    if count == 1:
        return torch.zeros(len(condition), dtype=torch.int64, device=condition.device)
    return condition[:, 0].long()


def mismatched(condition: Tensor, count: int) -> Tensor:
    """A wrong condition for every row.

    Of labels ``int64 [N]`` another of the ``count`` classes, each as likely; of anything else that
    of the row before.
    """
    if condition.dtype != torch.int64 or count < 2:
        return condition.roll(1, dims=0)
    shift = torch.randint(1, count, condition.shape, device=condition.device)
    return (condition + shift) % count


def readable(task: Task) -> int:
    """Outputs of a head that reads the condition off an image: logits of each index' classes,
    then the numbers of the vectors."""
    counts, width = _parts(task)
    return max(1, sum(counts) + width)


def misread(task: Task, read: Tensor, condition: Tensor) -> Tensor:
    """How wrong such a head is: cross-entropy of its logits ``[N, classes]`` with each index, mean
    square of its numbers with each vector where it is known (not 0). A scalar."""
    if condition.dtype == torch.int64:
        return cross_entropy(read, condition)
    counts, _ = _parts(task)
    at, losses = 0, []
    for place, count in enumerate(counts):
        losses.append(cross_entropy(read[:, at : at + count], condition[:, place].long()))
        at += count
    vector = condition[:, len(counts) :]
    if vector.shape[1]:
        known = (vector != 0).to(read.dtype)
        wrong = (read[:, at:] - vector).square() * known
        losses.append(wrong.sum() / known.sum().clamp(min=1))
    return torch.stack(losses).sum()
