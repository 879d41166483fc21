"""Candidates of one shard, in order, until every class has its quota."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import to_uint8
from synthgen.spec.plan import ShardPlan

LEAST_EXAMINED = 500
"""Candidates of a class that are looked at before the acceptance floor is asked."""

MOST_IN_VAIN = 20_000
"""Candidates of a class of which none is kept before a run stops, whatever the floor."""

FINITE = "finite"


class CandidateSource(Protocol):
    """What the sampler needs of a generator."""

    def candidates(
        self,
        labels: np.ndarray,
        shards: np.ndarray,
        candidates: np.ndarray,
        *,
        seed: int,
        latent_std: float,
        truncation: float | None,
    ) -> dict[str, Tensor]:
        """``image`` and any other column of images: ``float [N, C, H, W]`` in about [-1, 1]."""


@dataclass(frozen=True)
class Judge:
    """How candidates are scored and judged.

    ``score`` takes pixels ``uint8 [N, H, W, C]`` and the generator's class indices; ``judge`` the
    scores and positions in the plan's classes, and gives 0 to keep or i for ``reasons[i - 1]``.
    """

    score: Callable[[Tensor, Tensor], dict[str, Tensor]]
    judge: Callable[[dict[str, Tensor], Tensor], Tensor]
    reasons: tuple[str, ...]
    acceptance_floor: float

    @property
    def exact_duplicates(self) -> bool:
        return "exact_duplicate" in self.reasons


@dataclass(frozen=True)
class Latents:
    """What the latents depend on beside class, shard and candidate."""

    seed: int
    std: float = 1.0
    truncation: float | None = None


@dataclass(frozen=True)
class CandidateBatch:
    """Examined candidates, in order. Arrays have one entry (or image) per candidate."""

    images: np.ndarray
    """``uint8 [N, H, W, C]``."""
    labels: np.ndarray
    """``int64``: positions in the plan's classes."""
    candidates: np.ndarray
    """``int64``: the candidate's number within its class and shard."""
    pixel_hashes: np.ndarray
    """``int64``: BLAKE2b-64 of the pixels."""
    scores: dict[str, np.ndarray]
    """``float32`` per score."""
    verdicts: np.ndarray
    """``int64``: 0 kept, i rejected for ``reasons[i - 1]``."""
    others: dict[str, np.ndarray]
    """Further columns of images, ``uint8 [N, H, W, C]``: the other one of a pair."""


def sample_shard(
    shard: ShardPlan,
    generator: CandidateSource,
    class_keys: Sequence[int],
    latents: Latents,
    judge: Judge,
    *,
    batch_size: int,
    class_names: Sequence[str],
    excluded: frozenset[tuple[int, int]] = frozenset(),
    available: Sequence[int] | None = None,
) -> Iterator[CandidateBatch]:
    """Generate, score and judge batches until every quota is filled.

    Every batch is generated in full, with the classes that lack images taking turns, so that which
    candidates share a batch depends on nothing but the shard. Candidates beyond a filled quota are
    dropped unexamined. ``class_keys[i]`` is the generator's index of plan class i; ``excluded``
    holds (label, candidate) pairs that repeat images of other shards. ``available[i]`` is how many
    candidates of class i there are, where they are no endless supply.

    Raises:
        SynthgenError: a class keeps less than the acceptance floor of its candidates, or has run
            out of them.
    """
    missing = list(shard.quotas)
    following = [0] * len(missing)
    examined = [0] * len(missing)
    rejected = [[0] * len(judge.reasons) for _ in missing]
    seen: set[int] = set()
    keys = np.asarray(class_keys, dtype=np.int64)
    while any(missing):
        labels, candidates = _next_batch(missing, following, batch_size)
        drawn = generator.candidates(
            keys[labels], np.full_like(labels, shard.index), candidates,
            seed=latents.seed, latent_std=latents.std, truncation=latents.truncation,
        )  # fmt: skip
        pixels = to_uint8(drawn["image"])
        # Not-a-number passes through both ends: one pass over the values, and no copy.
        low, high = torch.aminmax(drawn["image"].flatten(1), dim=1)
        finite = torch.isfinite(low) & torch.isfinite(high)
        scores = judge.score(pixels, torch.from_numpy(keys[labels]).to(pixels.device))
        scores[FINITE] = finite.float()
        verdicts = judge.judge(scores, torch.from_numpy(labels).to(pixels.device)).cpu().numpy()
        images = pixels.cpu().numpy()
        hashes = _hashes(images)
        taken = []
        for row, (label, candidate) in enumerate(
            zip(labels.tolist(), candidates.tolist(), strict=True)
        ):
            if not missing[label]:
                continue
            if available is not None and candidate >= available[label]:
                raise SynthgenError(
                    f"class '{class_names[label]}' has run out of source images: "
                    f"{examined[label]} looked at, {missing[label]} more wanted in "
                    f"{shard.name}; ask for fewer, add source images or loosen --filters"
                )
            if verdicts[row] == 0 and judge.exact_duplicates:
                if hashes[row] in seen or (label, candidate) in excluded:
                    verdicts[row] = judge.reasons.index("exact_duplicate") + 1
                seen.add(int(hashes[row]))
            taken.append(row)
            examined[label] += 1
            if verdicts[row] == 0:
                missing[label] -= 1
            else:
                rejected[label][verdicts[row] - 1] += 1
        columns = {name: value.float().cpu().numpy()[taken] for name, value in scores.items()}
        del columns[FINITE]  # kept images are finite, all of them
        yield CandidateBatch(
            images[taken],
            labels[taken],
            candidates[taken],
            hashes[taken],
            columns,
            verdicts[taken],
            {
                name: to_uint8(value)[torch.tensor(taken, dtype=torch.int64)].cpu().numpy()
                for name, value in drawn.items()
                if name != "image"
            },
        )
        _check_floor(examined, rejected, missing, judge, class_names)


def _next_batch(
    missing: list[int], following: list[int], batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and candidate numbers ``int64 [batch_size]``: classes that lack images, in turn."""
    wanted = [label for label, count in enumerate(missing) if count]
    labels = np.resize(np.asarray(wanted, dtype=np.int64), batch_size)
    candidates = np.empty(batch_size, dtype=np.int64)
    for label in wanted:
        places = np.flatnonzero(labels == label)
        candidates[places] = following[label] + np.arange(len(places))
        following[label] += len(places)
    return labels, candidates


def _hashes(images: np.ndarray) -> np.ndarray:
    digests = [hashlib.blake2b(image.data, digest_size=8).digest() for image in images]
    return np.frombuffer(b"".join(digests), dtype="<i8").astype(np.int64)


def _check_floor(
    examined: list[int],
    rejected: list[list[int]],
    missing: list[int],
    judge: Judge,
    class_names: Sequence[str],
) -> None:
    for label, count in enumerate(examined):
        if not missing[label] or count < LEAST_EXAMINED:
            continue
        lost = sum(rejected[label])
        in_vain = count == lost and count >= MOST_IN_VAIN
        if in_vain or (count - lost) / count < judge.acceptance_floor:
            reasons = ", ".join(
                f"{name} {number}"
                for name, number in zip(judge.reasons, rejected[label], strict=True)
                if number
            )
            raise SynthgenError(
                f"class '{class_names[label]}' keeps {count - lost} of {count} candidates, "
                f"under the "
                f"acceptance floor of {judge.acceptance_floor:.1%} (rejected: {reasons}); "
                f"train the "
                "generator longer, loosen --filters, or lower --acceptance-floor"
            )
