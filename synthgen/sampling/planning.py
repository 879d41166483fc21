"""The plan of a dataset: exact counts per shard, split and class, fixed before the first image."""

from __future__ import annotations

from collections.abc import Sequence

from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan, ShardPlan

TARGET_BYTES = 128_000_000
"""Size of a shard: within the 100 to 300 MB that readers of Parquet like."""
MOST_ROWS = 10_000
"""Small images make small shards: a killed run loses seconds of work, workers share, and memory,
which holds a shard being written and the next one, stays near that of a short run."""

CPU_BATCH_PIXELS = 2**17
"""Pixels of a batch on a CPU: so many that what a batch costs beside its pixels hardly counts, and
few enough that the batches of 16 lanes fit into memory."""
CUDA_BATCH_PIXELS = 2**20
"""Pixels of a batch on a CUDA device: enough to fill it, few enough to fit."""


def batch_size_for(image: ImageSpec, device_type: str) -> int:
    """Candidates in a batch where none is asked for: a power of two from 8 to 1,024.

    From image and kind of device alone: the batch decides which kernels run, so a size found by
    trying would give other bytes on another day. What does not fit into a device's memory is made
    in smaller parts.
    """
    pixels = CPU_BATCH_PIXELS if device_type == "cpu" else CUDA_BATCH_PIXELS
    images = max(1, pixels // (image.height * image.width))
    return min(1024, max(8, 1 << (images.bit_length() - 1)))


MOST_SHARDS = 100_000
"""Their names have five digits."""


def class_counts(classes: tuple[str, ...], n: int | None, per_class: int | None) -> list[int]:
    """Images of each class: ``n`` split evenly with the remainder to the first, or
    ``per_class``."""
    if per_class is not None:
        return [per_class] * len(classes)
    assert n is not None
    each, rest = divmod(n, len(classes))
    return [each + (position < rest) for position in range(len(classes))]


def make_plan(
    classes: tuple[str, ...],
    *,
    n: int | None,
    per_class: int | None,
    seed: int,
    splits: dict[str, float],
    bytes_per_image: float,
    images_per_shard: int | None,
    counts: Sequence[int] | None = None,
) -> Plan:
    """A plan with exactly the counts asked for, every class in every shard as evenly as they go.

    ``counts`` are images of each class, in place of ``n`` and ``per_class``.

    Raises:
        SynthgenError: a split would get no image, or there would be too many shards.
    """
    counts = list(counts) if counts is not None else class_counts(classes, n, per_class)
    limit = images_per_shard or max(1, min(MOST_ROWS, int(TARGET_BYTES / bytes_per_image)))
    of_split = _divide(counts, list(splits.values()))
    shards: list[ShardPlan] = []
    for name, quotas in zip(splits, of_split, strict=True):
        if sum(quotas) == 0:
            raise SynthgenError(
                f"split '{name}' would get none of the {sum(counts)} images; raise --n or its share"
            )
        pieces = -(-sum(quotas) // limit)
        if len(shards) + pieces > MOST_SHARDS:
            raise SynthgenError(
                f"{sum(counts):,} images in shards of {limit:,} are more than {MOST_SHARDS:,} "
                "shards; raise --images-per-shard"
            )
        for ordinal, piece in enumerate(_pieces(quotas, pieces)):
            shards.append(ShardPlan(len(shards), name, ordinal, piece))
    return Plan(classes, seed, tuple(shards))


def _divide(counts: list[int], shares: list[float]) -> list[list[int]]:
    """``[splits][classes]``: each class divided by the shares, its total kept.

    Remainders go to the split that is furthest behind its share over all classes so far, so that
    splits come out right in total even where every class is small.
    """
    given = [[0] * len(counts) for _ in shares]
    behind = [0.0] * len(shares)
    for label, count in enumerate(counts):
        exact = [count * share for share in shares]
        for split, value in enumerate(exact):
            given[split][label] = int(value + 1e-9)
            behind[split] += value - given[split][label]
        for _ in range(count - sum(row[label] for row in given)):
            split = max(range(len(shares)), key=lambda s: behind[s])
            given[split][label] += 1
            behind[split] -= 1.0
    return given


def _pieces(quotas: list[int], pieces: int) -> list[tuple[int, ...]]:
    """Quotas cut into ``pieces`` of equal size (to one row), none empty, classes spread evenly."""
    total = sum(quotas)
    cut: list[list[int]] = [[0] * len(quotas) for _ in range(pieces)]
    for label, quota in enumerate(quotas):
        for piece in range(pieces):
            cut[piece][label] = quota * (piece + 1) // pieces - quota * piece // pieces
    sizes = [total * (piece + 1) // pieces - total * piece // pieces for piece in range(pieces)]
    _level(cut, sizes)
    return [tuple(piece) for piece in cut]


def _level(cut: list[list[int]], sizes: list[int]) -> None:
    """Move single images between pieces until each piece has its size; class totals stay."""
    over = [piece for piece in range(len(cut)) if sum(cut[piece]) > sizes[piece]]
    for piece in over:
        while sum(cut[piece]) > sizes[piece]:
            other = next(p for p in range(len(cut)) if sum(cut[p]) < sizes[p])
            label = max(range(len(cut[piece])), key=lambda k: cut[piece][k] - cut[other][k])
            cut[piece][label] -= 1
            cut[other][label] += 1
