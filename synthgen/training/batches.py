"""Which real rows a step sees: a pure function of the seed and of the rows shown so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthgen.spec.derivations import derive, draws_of
from synthgen.spec.fields import Field, Image
from synthgen.spec.frames import Windows
from synthgen.spec.image import to_float
from synthgen.spec.task import CONDITION, Task, in_stream
from synthgen.training.permutation import permuted

BEYOND = 2**48
"""From this position on any rows are found for the price of these rows alone, at random: there a
pass has an order that is computed place by place."""


class Passes:
    """Endless passes over the chosen rows, each in its own order.

    Nothing is kept between calls but the present pass' order, so that a resumed run, or any rank of
    several, asks for a position and gets what it would have got.
    """

    def __init__(self, chosen: np.ndarray, seed: int) -> None:
        """``chosen int64 [N]``."""
        self._chosen = chosen
        self._seed = seed
        self._order: tuple[int, np.ndarray] = (-1, chosen)

    def _pass(self, number: int) -> np.ndarray:
        if self._order[0] != number:
            shuffled = np.random.default_rng([self._seed, number]).permutation(self._chosen)
            self._order = (number, shuffled)
        return self._order[1]

    def rows(self, start: int, count: int) -> np.ndarray:
        """``count`` rows from position ``start``, ``int64``."""
        size = len(self._chosen)
        passes = range(start // size, (start + count - 1) // size + 1)
        if start >= BEYOND:
            places = start % size + np.arange(count)
            parts = [places[places // size == n] % size for n in range(len(passes))]
            seeds = [(self._seed << 32) + number for number in passes]
            order = [permuted(part, size, seed) for part, seed in zip(parts, seeds, strict=True)]
            return np.asarray(self._chosen[np.concatenate(order)])
        return np.concatenate(
            [
                self._pass(number)[max(start - number * size, 0) : start + count - number * size]
                for number in passes
            ]
        )


class RealBatches:
    """Images and labels, in :class:`Passes`."""

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, chosen: np.ndarray, seed: int, flip: bool
    ) -> None:
        """``images uint8 [M, H, W, C]`` (may be memory-mapped), ``labels int64 [M]``, ``chosen
        int64 [N]``."""
        self._images = images
        self._labels = labels
        self._passes = Passes(chosen, seed)
        self._flip = flip

    def at(self, start: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Images ``float [count, C, H, W]`` in [-1, 1] and labels ``int64 [count]`` from
        position ``start``.

        Flips draw from torch's global generator.
        """
        rows = self._passes.rows(start, count)
        bytes_ = _to_device(_taken(self._images, rows), device)
        if self._flip:  # as bytes: a quarter of the traffic of floats
            mirrored = torch.rand(count, 1, 1, 1, device=device) < 0.5
            bytes_ = torch.where(mirrored, bytes_.flip(2), bytes_)
        images = to_float(bytes_).contiguous(memory_format=torch.channels_last)
        return images, _to_device(self._labels[rows], device)


@dataclass(frozen=True)
class Stream:
    """Rows that are read together: stored columns by field, of one length; which of them are shown
    (``int64``), and the seed of their order."""

    columns: Mapping[str, np.ndarray]
    chosen: np.ndarray
    seed: int


class TaskBatches:
    """All tensors of a task's batch by name, for every stream of the task."""

    def __init__(
        self, task: Task, streams: Sequence[Stream], *, flip: bool, move: float = 0.0
    ) -> None:
        """``flip`` mirrors rows half of the time; ``move`` shows windows of them that are shifted
        by up to this share of the side, and larger or smaller by as much."""
        if len(streams) != len(task.streams):
            raise ValueError(f"{len(streams)} streams of rows for a task of {len(task.streams)}")
        self._task = task
        self._streams = [(stream, Passes(stream.chosen, stream.seed)) for stream in streams]
        self._flip = flip
        self._move = move
        self._draws = draws_of(task)

    def at(self, start: int, count: int, device: torch.device) -> dict[str, Tensor]:
        """The fields as networks take them, and :data:`CONDITION`, from position ``start``.

        What a further stream has of a field that the first one has too is named by
        :func:`synthgen.spec.task.in_stream`. Flips, windows and what derived fields draw come from
        torch's global generator.
        """
        known: dict[str, Tensor] = {}
        for number, (stream, passes) in enumerate(self._streams):
            names = self._task.streams[number]
            first = names[0] if number else ""
            stored = self._stored(stream, names, passes.rows(start, count), device)
            if self._task.derived and not number:
                draws = torch.rand(count, self._draws, device=device)
                stored = derive(self._task, stored, draws)
            for name, values in stored.items():
                tensor = self._task.fields[name].tensor(values)
                if tensor.ndim == 4:
                    tensor = tensor.contiguous(memory_format=torch.channels_last)
                known[in_stream(name, first)] = tensor
            known[in_stream(CONDITION, first)] = self._task.condition(known, count, first)
        return known

    def _stored(
        self, stream: Stream, names: Sequence[str], rows: np.ndarray, device: torch.device
    ) -> dict[str, Tensor]:
        """Stored rows of a stream's fields, moved and mirrored all together."""
        fields = {name: self._task.fields[name] for name in names}
        found = {name: _to_device(_taken(stream.columns[name], rows), device) for name in names}
        return moved_together(fields, found, self._flip, self._move)


def moved_together(
    fields: Mapping[str, Field], stored: Mapping[str, Tensor], flip: bool, move: float
) -> dict[str, Tensor]:
    """Stored rows of several fields, shown through one window and in one mirror, by chance.

    Draws from torch's global generator. ``flip`` and ``move`` as in :class:`TaskBatches`.
    """
    found = dict(stored)
    some = next(iter(found.values()))
    count, device = len(some), some.device
    if move:
        windows = random_windows(count, move, device)
        found = {n: fields[n].framed(values, windows) for n, values in found.items()}
    if flip:
        mirrored = torch.rand(count, 1, 1, 1, device=device) < 0.5
        for name, values in found.items():
            turned = fields[name].mirrored(values)
            if turned is not values:
                chosen = mirrored.reshape((-1,) + (1,) * (values.ndim - 1))
                found[name] = torch.where(chosen, turned, values)
    return found


class JointBatches:
    """Images and the stored rows of one field beside them, moved together, in :class:`Passes`."""

    def __init__(
        self, images: np.ndarray, rows: np.ndarray, field: Field, chosen: np.ndarray, seed: int,
        flip: bool, move: float,
    ) -> None:  # fmt: skip
        """``images uint8 [M, H, W, C]`` and ``rows [M, ...]`` (either may be memory-mapped),
        ``chosen int64 [N]``."""
        _, height, width, channels = images.shape
        self._fields = {"image": Image(height, width, channels), "beside": field}
        self._columns = {"image": images, "beside": rows}
        self._passes = Passes(chosen, seed)
        self._flip, self._move = flip, move

    def at(self, start: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Images ``float [count, C, H, W]`` in [-1, 1] and stored rows ``[count, ...]`` from
        position ``start``. Flips and windows draw from torch's global generator."""
        rows = self._passes.rows(start, count)
        stored = {n: _to_device(_taken(c, rows), device) for n, c in self._columns.items()}
        found = moved_together(self._fields, stored, self._flip, self._move)
        images = to_float(found["image"]).contiguous(memory_format=torch.channels_last)
        return images, found["beside"]


def random_windows(count: int, reach: float, device: torch.device) -> Windows:
    """Windows of ``count`` rows, shifted and scaled by up to ``reach`` of the side, both sides
    alike."""
    drawn = (torch.rand(3, count, device=device) * 2 - 1) * reach
    size = 1 + drawn[2]
    return Windows((1 - size) / 2 + drawn[0], (1 - size) / 2 + drawn[1], size, size)


def _taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of an array that may be a mapped file, which is read in its order."""
    if values.ndim == 1:
        return np.asarray(values[rows])
    ascending = np.argsort(rows, kind="stable")
    taken = np.empty((len(rows), *values.shape[1:]), dtype=values.dtype)
    taken[ascending] = values[rows[ascending]]
    return taken


def _to_device(values: np.ndarray, device: torch.device) -> Tensor:
    """To a CUDA device from pinned pages, so that the host need not wait for the copy."""
    tensor = torch.from_numpy(values)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)
