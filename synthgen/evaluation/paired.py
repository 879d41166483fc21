"""Differences of pairs and what they show: a mean with a 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean, stdev
from typing import Literal

LEVEL = 0.95

Verdict = Literal["better", "worse", "open"]


def half_width(deviation: float, count: int) -> float:
    """Half the 95 % interval of a mean of ``count`` values with this standard deviation (n - 1):
    Student's t over ``count - 1`` degrees of freedom; infinite for one value."""
    return math.inf if count < 2 else t_quantile(count - 1) * deviation / math.sqrt(count)


def differences(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1; 0 for one pair) of ``a`` less ``b``, pair by pair."""
    each = [x - y for x, y in zip(a, b, strict=True)]
    return fmean(each), stdev(each) if len(each) > 1 else 0.0


def verdict(mean: float, half: float) -> Verdict:
    """``open`` where the interval has nought in it."""
    if abs(mean) <= half:
        return "open"
    return "better" if mean > 0 else "worse"


@lru_cache
def t_quantile(freedom: int) -> float:
    """The value that Student's t exceeds in size with probability 0.05: 2.776 for 4 degrees of
    freedom."""
    low, high = 0.0, 1e3
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < LEVEL else (low, middle)
    return high


def _within(value: float, freedom: int) -> float:
    """Probability that Student's t is at most ``value`` in size (Abramowitz & Stegun 26.7.3 and
    26.7.4)."""
    angle = math.atan(value / math.sqrt(freedom))
    odd = freedom % 2
    term = total = math.cos(angle) if odd else 1.0
    for k in range(3 if odd else 2, freedom, 2):
        term *= (k - 1) / k * math.cos(angle) ** 2
        total += term
    if odd:
        return 2 / math.pi * (angle + (math.sin(angle) * total if freedom > 1 else 0.0))
    return math.sin(angle) * total
