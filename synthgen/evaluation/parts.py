"""Fields with named parts as a reader sees them: made images beside real ones, part by part.

The classes of a mask, by the overlap of what is read with what the row says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from synthgen.evaluation.record import Finding, Level, PartEvaluation

CARE, BAD = 0.8, 0.5
"""Of what is read of real images, the shares under which the whole is named."""
MOSTLY = 0.5
"""Mean measure of real images that a reader must reach to be believed."""
FEWEST = 10
"""Rows that must have been read of either kind."""
WHOLE = ""
"""The name of the mean over all parts."""

Measured = Mapping[str, tuple[int, float]]
"""Of each part the rows that have it, and the measure."""


def part_table(
    column: str, measure: str, made: Measured, real: Measured | None
) -> tuple[PartEvaluation, ...]:
    """The mean over the parts that made rows have, then a row for each of these parts.

    Real rows count in the mean by the parts that both have, so that it is of the same parts.
    """
    if not made:
        return ()
    theirs = real or {}
    found = [
        PartEvaluation(column, name, measure, *own, *theirs.get(name, (0, None)))
        for name, own in made.items()
    ]
    both = [entry for entry in found if entry.real_value is not None]
    whole = PartEvaluation(
        column,
        WHOLE,
        measure,
        max(entry.images for entry in found),
        fmean(entry.value for entry in both or found),
        max((entry.real_images for entry in both), default=0),
        fmean(entry.real_value or 0.0 for entry in both) if both else None,
    )
    return (whole, *found)


def part_findings(found: Sequence[PartEvaluation]) -> Iterator[Finding]:
    """A sentence on each field that the reader mostly reads off real images."""
    for whole in (entry for entry in found if entry.part == WHOLE):
        real = whole.real_value
        few = min(whole.images, whole.real_images) < FEWEST
        if real is None or real < MOSTLY or few:
            continue
        share = whole.value / real
        level: Level = "bad" if share < BAD else "care" if share < CARE else "good"
        parts = [e for e in found if e.column == whole.column and e.part and e.real_value]
        worst = min(parts, key=lambda entry: entry.value / (entry.real_value or 1.0))
        yield Finding(
            level,
            "labels",
            f"the {whole.column} is read off these images with a mean {whole.measure} of "
            f"{whole.value:.2f}, off real ones with {real:.2f}; least of all {worst.part} "
            f"({worst.value:.2f} for {worst.real_value:.2f})",
        )


def part_lines(found: Sequence[PartEvaluation]) -> Iterator[str]:
    """The table as lines of text."""
    for entry in found:
        name, own, real = part_cells(entry)
        yield f"{name}: {own}, {entry.images:,} images (real {real})"


def part_cells(entry: PartEvaluation) -> tuple[str, str, str]:
    """What part of which column it is, the measure of made images, that of real ones."""
    name = f"{entry.column}: {entry.part}" if entry.part else f"{entry.column}, mean"
    real = "–" if entry.real_value is None else f"{entry.real_value:.3f}"
    return f"{name} ({entry.measure})", f"{entry.value:.3f}", real
