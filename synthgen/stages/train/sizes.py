"""Which networks fit a budget of time: a small table that ``benchmarks/budget.py`` measures.

A wide network makes better images than a narrow one once it has been shown enough, and worse ones
before. So the table says how many real images each width wants to be shown, and the planner takes
the widest that the budget has time for, at the largest side that leaves time for a usable one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SizedBy = Callable[[int, Mapping[str, Any]], float]
"""Side in pixels and an algorithm's options to the seconds that training takes for an image."""


@dataclass(frozen=True)
class Size:
    """Networks of ``width`` channels at full resolution and ``widest`` at most."""

    width: int
    widest: int
    wants: int
    """Images shown from which on it pays, at 32 px."""

    def wants_at(self, side: int) -> int:
        """Images shown from which on it pays at another side: in proportion to the side."""
        return round(self.wants * max(side, 32) / 32)


SIZES = (Size(32, 256, 200_000), Size(24, 192, 60_000), Size(16, 128, 15_000), Size(12, 96, 0))
"""Of the default algorithm, the widest first; the last is taken where time is short for all."""

NARROW = SIZES[1]
"""For few training images, whatever the time: ``configs/low-data-28.yaml``."""

SIDES = (128, 96, 64, 48, 32)
"""Sides that larger images may be brought to for want of time."""

FEW = 2_000
"""Under so many training images the default networks are narrow: the wide ones gave one image a
class (``docs/utility.md``)."""

LARGEST_SIDE = {"cpu": 64, "cuda": 128}
"""Side in pixels that is not exceeded unless told so."""


@dataclass(frozen=True)
class Fitted:
    """What a budget has time for."""

    side: int
    options: Mapping[str, Any]
    images: int
    """Real images that can be shown."""
    seconds_per_image: float


def batch_for(images: int) -> int:
    """Images of a step for so many images shown: never so few steps that nothing is learnt."""
    return 32 if images < 40_000 else 64 if images < 160_000 else 128


def sides_for(short_side: int, largest: int) -> tuple[int, ...]:
    """Sides to choose from for images of this size, the largest first; small ones keep theirs."""
    first = min(short_side, largest)
    return (first, *(side for side in SIDES if side < first))


def sizes_for(training_images: int, narrower: bool) -> tuple[Size, ...]:
    """Sizes to choose from, the widest first; none where the options or the algorithm say."""
    if not narrower:
        return ()
    return SIZES[1:] if training_images < FEW else SIZES


def fit(
    seconds: float,
    sides: Sequence[int],
    sizes: Sequence[Size],
    options: Mapping[str, Any],
    seconds_per_image: SizedBy,
) -> Fitted:
    """The largest side and there the widest networks that ``seconds`` of training serve.

    Candidates are measured from the narrowest on, and no further than the time goes.
    """
    for side in sides:
        found = _widest(seconds, side, sizes, options, seconds_per_image)
        if found is not None:
            return found
    side = sides[-1]
    chosen = {**options, **(_options(sizes[-1]) if sizes else {})}
    each = seconds_per_image(side, chosen)
    return Fitted(side, chosen, max(1, int(seconds / each)), each)


def _widest(
    seconds: float,
    side: int,
    sizes: Sequence[Size],
    options: Mapping[str, Any],
    seconds_per_image: SizedBy,
) -> Fitted | None:
    """The widest networks that pay at this side; ``None`` if not even narrow ones do."""
    if not sizes:  # networks that are given: judged as the narrow ones are
        each = seconds_per_image(side, options)
        enough = seconds / each >= SIZES[2].wants_at(side)
        return Fitted(side, options, int(seconds / each), each) if enough else None
    best = None
    for size in reversed(sizes[:-1]):
        chosen = {**options, **_options(size)}
        each = seconds_per_image(side, chosen)
        if seconds / each < size.wants_at(side):
            break
        best = Fitted(side, chosen, int(seconds / each), each)
    return best


def _options(size: Size) -> dict[str, Any]:
    return {"width": size.width, "widest": size.widest}
