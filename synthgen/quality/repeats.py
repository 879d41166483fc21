"""Images that repeat an earlier one: near copies and look-alikes, found in order.

Exact copies are told by the hash of their pixels; this is about those that a hash does not tell:
moved, compressed again, or one image with another grain. They are looked for within a class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from synthgen.features.fingerprint import distances

Codes = Callable[[Tensor], Tensor]
"""Images ``uint8 [N, H, W, C]`` to their codes ``int8 [N, S, 32]``, all shifts; the middle is the
image's own."""

FARTHEST = 2.0**14
"""Farther than any two codes are from each other, and still a number of 16 bits."""

BLOCK = 512
"""Rows that are compared with all others at a time."""


@dataclass(frozen=True)
class RepeatRule:
    """Reject what lies within ``distance`` of an earlier kept image of its class."""

    name: str
    """The reason."""
    code: Literal["fingerprint", "embedding"]
    distance: tuple[float, ...]
    """Of each class; the class' position is the label."""
    reach: int
    """Shifts that are tried, in pixels of the fingerprint's working size."""
    scope: Literal["shard", "dataset"]
    """Where sampling looks: in the shard, or over all shards (those concerned are made again)."""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "code": self.code,
            "distance": list(self.distance),
            "reach": self.reach,
            "scope": self.scope,
        }

    @staticmethod
    def from_json(record: dict[str, Any]) -> RepeatRule:
        return RepeatRule(
            record["name"], record["code"], tuple(record["distance"]), record["reach"],
            record["scope"],
        )  # fmt: skip


class Seen:
    """The images so far that others may repeat, one rule's view of them; asked row by row.

    A batch's distances are computed at once (:meth:`look`), before it is known which of its rows
    are kept (:meth:`repeats`, :meth:`add`).
    """

    def __init__(self, rule: RepeatRule) -> None:
        self.rule = rule
        self._known: list[list[Tensor]] = [[] for _ in rule.distance]
        self._near = np.zeros(0, dtype=bool)
        self._among = np.zeros((0, 0), dtype=bool)
        self._labels = np.zeros(0, dtype=np.int64)
        self._codes = torch.zeros(0)
        self._added: list[int] = []

    def look(self, codes: Tensor, labels: np.ndarray) -> None:
        """Go over to the next batch: codes ``int8 [N, S, 32]``, labels ``int64 [N]``."""
        self._settle()
        self._codes, self._labels = codes, labels
        own = codes[:, codes.shape[1] // 2]
        self._near = np.zeros(len(labels), dtype=bool)
        self._among = np.zeros((len(labels), len(labels)), dtype=bool)
        for label in np.unique(labels).tolist():
            rows = np.flatnonzero(labels == label)
            asked, limit = codes[torch.from_numpy(rows)], self.rule.distance[label] ** 2
            for known in self._known[label]:
                self._near[rows] |= (distances(asked, known) <= limit).any(dim=1).cpu().numpy()
            inside = distances(asked, own[torch.from_numpy(rows)]) <= limit
            self._among[np.ix_(rows, rows)] = inside.cpu().numpy()

    def repeats(self, row: int) -> bool:
        """Whether the batch's row repeats an image that was added."""
        return bool(self._near[row]) or bool(self._among[row, self._added].any())

    def add(self, row: int) -> None:
        """Later rows may repeat this one."""
        self._added.append(row)

    def _settle(self) -> None:
        if self._added:
            own = self._codes[self._added, self._codes.shape[1] // 2]
            labels = self._labels[self._added]
            for label in np.unique(labels).tolist():
                known = self._known[label]
                known.append(own[torch.from_numpy(np.flatnonzero(labels == label))])
                # Few large blocks are compared faster than many small ones.
                if len(known) > 1 and len(known[-2]) < 4096:
                    known[-2:] = [torch.cat(known[-2:])]
        self._added = []


def find_repeats(
    rule: RepeatRule,
    codes: Tensor,
    labels: np.ndarray,
    chosen: np.ndarray,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Which of the ``chosen`` rows repeat an earlier chosen one that is no repeat: sorted rows.

    Exactly what :class:`Seen` finds of the same rows in order, in blocks: every row is compared
    only with those whose first number, the brightness, is near enough.

    Args:
        rule: what is a repeat.
        codes: ``int8 [N, S, 32]``.
        labels: ``int64 [N]``.
        chosen: ``bool [N]``: rows that count at all.
        groups: ``int64 [N]``: rows of one group do not repeat each other.
    """
    repeats: list[int] = []
    for label in np.unique(labels[chosen]).tolist():
        rows = np.flatnonzero(chosen & (labels == label))
        pairs = _near_pairs(codes[torch.from_numpy(rows)], rule.distance[label])
        dropped = np.zeros(len(rows), dtype=bool)
        if groups is not None:
            own = groups[rows]
            pairs = pairs[own[pairs[:, 0]] != own[pairs[:, 1]]]
        for later, earlier in pairs.tolist():
            if not dropped[earlier]:
                dropped[later] = True
        repeats += rows[dropped].tolist()
    return np.sort(np.asarray(repeats, dtype=np.int64))


def _near_pairs(codes: Tensor, limit: float) -> np.ndarray:
    """Pairs (later, earlier) within ``limit``: ``int64 [P, 2]``, by later and then by earlier."""
    own = codes[:, codes.shape[1] // 2]
    limit = min(limit, FARTHEST)
    first = codes[..., 0].short()
    low, high = first.amin(dim=1), first.amax(dim=1)
    order = torch.argsort(own[:, 0].short(), stable=True)
    bright = own[order, 0].short()
    asked = torch.argsort(low, stable=True)
    found = []
    for start in range(0, len(asked), BLOCK):
        block = asked[start : start + BLOCK]
        # |a - b| of one number is at most the whole distance.
        ends = torch.stack([low[block].min() - limit, high[block].max() + limit])
        left = int(torch.searchsorted(bright, ends[0].floor().short()))
        right = int(torch.searchsorted(bright, ends[1].ceil().short(), right=True))
        others = order[left:right]
        for at in range(0, len(others), 8 * BLOCK):
            part = others[at : at + 8 * BLOCK]
            near = distances(codes[block], own[part]) <= limit**2
            near &= part[None] < block[:, None]
            later, earlier = near.nonzero(as_tuple=True)
            found.append(torch.stack([block[later], part[earlier]], dim=1))
    if not found:
        return np.zeros((0, 2), dtype=np.int64)
    pairs = torch.cat(found).cpu().numpy()
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
