"""Pixels deeper than eight bits: by what rule they become 0 to 255. One rule for all images of a
set, so that a dark image stays darker than a bright one; it is stated and never clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DEPTHS = (8, 9, 10, 11, 12, 14, 16)
"""Bits that cameras and scanners give, in files of sixteen."""


class NoRule(Exception):
    """Pixel values that no rule fits; the text says which, and how to give one."""


@dataclass(frozen=True)
class Span:
    """What values the deep images of a set have. Spans of parts add up with ``|``."""

    low: float = np.inf
    high: float = -np.inf
    images: int = 0

    def __or__(self, other: Span) -> Span:
        return Span(
            min(self.low, other.low), max(self.high, other.high), self.images + other.images
        )


@dataclass(frozen=True)
class Ranges:
    """The spans of whole-number images and of floating-point images, in one set."""

    whole: Span = Span()
    floating: Span = Span()

    def __or__(self, other: Ranges) -> Ranges:
        return Ranges(self.whole | other.whole, self.floating | other.floating)


def range_of(values: np.ndarray) -> Ranges:
    """The range of one image's values.

    Raises:
        ValueError: some are not numbers, or infinite.
    """
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise ValueError("has pixels that are infinite or not a number")
        return Ranges(floating=Span(float(values.min()), float(values.max()), 1))
    return Ranges(whole=Span(int(values.min()), int(values.max()), 1))


@dataclass(frozen=True)
class Scale:
    """The value that becomes 0 and the one that becomes 255; linear between them."""

    low: float
    high: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """``uint8`` of the same shape, to the nearest grey level.

        Raises:
            ValueError: a value lies outside.
        """
        if values.min() < self.low or values.max() > self.high:
            raise ValueError(
                f"has values from {values.min():g} to {values.max():g}, outside of --pixel-range "
                f"{self.low:g},{self.high:g}"
            )
        scaled = (values.astype(np.float64) - self.low) * (255.0 / (self.high - self.low))
        return np.rint(scaled).astype(np.uint8)


@dataclass(frozen=True)
class Scaling:
    """The rules for a set's whole-number and floating-point images; ``None`` where it has none."""

    whole: Scale | None = None
    floating: Scale | None = None
    said: tuple[str, ...] = ()
    """A line for each rule that is used."""

    def of(self, values: np.ndarray) -> np.ndarray:
        """Deep pixels as ``uint8``.

        Raises:
            ValueError: a value lies outside of the rule's range, or there is no rule.
        """
        rule = self.floating if values.dtype.kind == "f" else self.whole
        if rule is None:
            raise ValueError("is deeper than eight bits, where no other image is")
        return rule(values)


def scaling_for(found: Ranges, given: tuple[float, float] | None) -> Scaling:
    """The rules for images of these ranges; ``given`` is the user's own range.

    Whole numbers are taken for the fewest of 8, 9, 10, 11, 12, 14 or 16 bits that hold the largest
    value of all images; floating-point values of 0 to 1 are stretched to 0 to 255, larger ones up
    to 255 are taken as they are.

    Raises:
        NoRule: values are negative, or larger than these rules know.
    """
    said: list[str] = []
    if given is not None:
        own = Scale(*given)
        for span, kind in ((found.whole, "whole-number"), (found.floating, "floating-point")):
            if span.images:
                said.append(_told(span, kind, own, "as --pixel-range says"))
        return Scaling(own, own, tuple(said))
    whole, floating = None, None
    if found.whole.images:
        whole, why = _of_whole(found.whole)
        said.append(_told(found.whole, "whole-number", whole, why))
    if found.floating.images:
        floating, why = _of_floating(found.floating)
        said.append(_told(found.floating, "floating-point", floating, why))
    return Scaling(whole, floating, tuple(said))


def _of_whole(span: Span) -> tuple[Scale, str]:
    if span.low < 0 or span.high > 65535:
        raise NoRule(_unknown(span, "whole-number"))
    bits = next(bits for bits in DEPTHS if span.high < 2**bits)
    return Scale(0, 2**bits - 1), f"taken for {bits}-bit"


def _of_floating(span: Span) -> tuple[Scale, str]:
    if span.low < 0 or span.high > 255:
        raise NoRule(_unknown(span, "floating-point"))
    return (Scale(0, 1), "taken for 0 to 1") if span.high <= 1 else (Scale(0, 255), "as they are")


def _unknown(span: Span, kind: str) -> str:
    return (
        f"{span.images:,} {kind} images have values from {span.low:g} to {span.high:g}; say which "
        f"values are black and white with --pixel-range, for example --pixel-range "
        f"{span.low:g},{span.high:g}"
    )


def _told(span: Span, kind: str, scale: Scale, why: str) -> str:
    return (
        f"pixel values: {span.images:,} {kind} images deeper than 8 bits in a file have values "
        f"from {span.low:g} to {span.high:g}, {why}: {scale.low:g} to {scale.high:g} became "
        "0 to 255 (--pixel-range LOW,HIGH sets another range)"
    )
