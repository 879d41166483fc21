"""A batch of candidates: drawn, quantised, hashed, scored, judged. A pure function of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch
import xxhash
from torch import Tensor

from synthgen.spec.fields import Field
from synthgen.spec.image import quantise, to_host

FINITE = "finite"


class CandidateSource(Protocol):
    """What the sampler needs of a generator."""

    def candidates(
        self, labels: np.ndarray, shards: np.ndarray, candidates: np.ndarray, *,
        seed: int, latent_std: float, truncation: float | None,
    ) -> dict[str, Tensor]:  # fmt: skip
        """``image`` and what else is made, by column: images ``float [N, C, H, W]`` in about
        [-1, 1], others as their fields' networks make them."""


class Repeats(Protocol):
    """The images so far that others may repeat; see ``synthgen.quality.repeats``."""

    def look(self, codes: Tensor, labels: np.ndarray) -> None:
        """Go over to the next batch: its codes, its labels ``int64 [N]``."""

    def repeats(self, row: int) -> bool:
        """Whether the batch's row repeats an image that was added."""

    def add(self, row: int) -> None:
        """Later rows may repeat this one."""


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
    read: Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], dict[str, Tensor]] = (
        lambda made, given: {}
    )
    """Stored rows of what was made and of what was given to scores of how they agree."""
    code: Callable[[Tensor], dict[str, Tensor]] = lambda pixels: {}
    """Pixels to what near repeats are told by, for each of their reasons, on the CPU."""
    repeats: Callable[[], dict[str, Repeats]] = dict
    """For a shard, by the same reasons: what finds near repeats of the images so far."""
    excluded_reason: str = "exact_duplicate"
    """The reason of candidates that repeat images of other shards."""

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
    """Candidates, in order. Arrays have one entry (or image) per candidate."""

    images: np.ndarray
    """``uint8 [N, H, W, C]``."""
    labels: np.ndarray
    """``int64``: positions in the plan's classes."""
    candidates: np.ndarray
    """``int64``: the candidate's number within its class and shard."""
    pixel_hashes: np.ndarray
    """``int64``; see :func:`pixel_hashes`."""
    scores: dict[str, np.ndarray]
    """``float32`` per score, but for ``train_row``."""
    verdicts: np.ndarray
    """``int64``: 0 kept, i rejected for ``reasons[i - 1]``."""
    others: dict[str, np.ndarray]
    """Stored rows of further columns: of what was given, and of what else was made."""
    files: Mapping[str, list[Any]] = field(default_factory=dict)
    """The encoded cells of every column, once they are: empty where none is wanted."""
    codes: dict[str, Tensor] = field(default_factory=dict)
    """What near repeats are told by, of all candidates; not taken along."""

    def with_files(self, rows: np.ndarray, files: Mapping[str, Sequence[Any]]) -> CandidateBatch:
        """With the encoded cells of ``rows``, a list for each column."""
        columns = {}
        for name, encoded in files.items():
            column: list[Any] = [b""] * len(self.labels)
            for row, file in zip(rows.tolist(), encoded, strict=True):
                column[row] = file
            columns[name] = column
        return replace(self, files=columns)

    def take(self, rows: Sequence[int], verdicts: np.ndarray) -> CandidateBatch:
        """These rows, in order, with verdicts ``int64 [N]`` (of all rows) in place of the batch's
        own."""
        if len(rows) == len(self.labels):  # as mostly; images are large
            return replace(self, verdicts=verdicts, codes={})
        index = np.asarray(rows, dtype=np.int64)
        return CandidateBatch(
            self.images[index],
            self.labels[index],
            self.candidates[index],
            self.pixel_hashes[index],
            {name: values[index] for name, values in self.scores.items()},
            verdicts[index],
            {name: images[index] for name, images in self.others.items()},
            {name: [column[row] for row in rows] for name, column in self.files.items()},
        )


def draw_candidates(
    generator: CandidateSource,
    class_keys: np.ndarray,
    latents: Latents,
    shard: int,
    labels: np.ndarray,
    candidates: np.ndarray,
) -> dict[str, Tensor]:
    """The generator's columns for candidates ``int64 [N]`` of one shard."""
    return generator.candidates(
        class_keys[labels], np.full_like(labels, shard), candidates,
        seed=latents.seed, latent_std=latents.std, truncation=latents.truncation,
    )  # fmt: skip


def examine(
    drawn: dict[str, Tensor],
    class_keys: np.ndarray,
    judge: Judge,
    labels: np.ndarray,
    candidates: np.ndarray,
    given: Mapping[str, Tensor] = MappingProxyType({}),
    fields: Mapping[str, Field] = MappingProxyType({}),
) -> CandidateBatch:
    """Quantise, score, judge and hash what was drawn. Repeated images are not judged here.

    ``given`` holds the stored rows of what it was drawn from: they are columns as they are. What
    else was drawn is stored as its field in ``fields`` says, without one as images are.
    """
    pixels, finite = quantise(drawn["image"])
    further: dict[str, Tensor] = {}
    for name, value in drawn.items():
        if name != "image" and name not in given:
            rows, sound = fields[name].rows(value) if name in fields else quantise(value)
            further[name], finite = rows, finite & sound
    scores = judge.score(pixels, torch.from_numpy(class_keys[labels]).to(pixels.device))
    scores |= judge.read({"image": pixels, **further}, given)
    scores[FINITE] = finite.float()
    verdicts = judge.judge(scores, torch.from_numpy(labels).to(pixels.device)).cpu().numpy()
    del scores[FINITE]  # kept images are finite, all of them
    images = to_host(pixels)
    return CandidateBatch(
        images,
        labels,
        candidates,
        pixel_hashes(images),
        {name: _plain(value).cpu().numpy() for name, value in scores.items()},
        verdicts,
        {
            **{name: rows.cpu().numpy() for name, rows in given.items()},
            **{name: to_host(rows) for name, rows in further.items()},
        },
        codes=judge.code(pixels),
    )


def _plain(value: Tensor) -> Tensor:
    return value if value.dtype == torch.int64 else value.float()


def pixel_hashes(images: np.ndarray) -> np.ndarray:
    """:data:`~synthgen.spec.columns.PIXEL_HASH` ``int64 [N]`` of ``uint8 [N, H, W, C]``.

    Two of a million different images agree in one of 37 million such sets (n^2 / 2^65). A
    cryptographic hash took thirty times as long, which was a twelfth of the time of a whole run of
    256 px.
    """
    digests = [xxhash.xxh3_64_intdigest(image.data) for image in images]
    return np.array(digests, dtype=np.uint64).view(np.int64)
