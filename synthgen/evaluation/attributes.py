"""Attributes as a reader sees them: made images beside real ones, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from synthgen.evaluation.record import AttributeEvaluation, Finding, Level
from synthgen.spec.vectors import Attributes

CARE, BAD = 0.8, 0.5
"""Of what is read rightly of real images, the shares under which a group is named."""
MOSTLY = 0.5
"""Share of real images of which a reader must see a value to be believed about it."""
FEWEST = 10
"""Rows that a group needs to be judged."""

Read = tuple[np.ndarray, np.ndarray]
"""What a reader says of images, and what their rows say: stored rows ``float32 [N, K]``."""


def attribute_table(
    field: Attributes, made: Read, real: Read | None
) -> tuple[AttributeEvaluation, ...]:
    """A row for each value of each attribute that a made row has; of a number one row."""
    found = []
    for place, name in enumerate(field.names):
        values = list(enumerate(field.words(name))) or [(0, "")]
        for value, word in values:
            number = name in field.ranges
            wanted = None if number else float(value)
            own = _measured(made, place, wanted)
            theirs = (0, None) if real is None else _measured(real, place, wanted)
            if own[0]:
                found.append(AttributeEvaluation(name, word, number, *own, *theirs))
    return tuple(found)


def _measured(read: Read, place: int, wanted: float | None) -> tuple[int, float | None]:
    """Rows that have the value, and the share of which it is read; of a number the mean error."""
    said, rows = (each[:, place] for each in read)
    own = ~np.isnan(rows) if wanted is None else rows == wanted
    if not own.any():
        return 0, None
    if wanted is None:
        return int(own.sum()), float(np.abs(said[own] - rows[own]).mean())
    return int(own.sum()), float((said[own] == wanted).mean())


def worst_group(found: Sequence[AttributeEvaluation]) -> AttributeEvaluation | None:
    """The value that is read rightly of the smallest share of the images that have it."""
    known = [e for e in found if not e.number and e.images >= FEWEST and e.agreement is not None]
    return min(known, key=lambda entry: entry.agreement or 0.0, default=None)


def attribute_findings(found: Sequence[AttributeEvaluation]) -> Iterator[Finding]:
    """A sentence on the worst group of those that the reader mostly sees in real images."""
    fair = [e for e in found if e.real_images >= FEWEST and (e.real_agreement or 0) >= MOSTLY]
    worst = worst_group([entry for entry in fair if not entry.number])
    if worst is None or worst.agreement is None or worst.real_agreement is None:
        return
    share = worst.agreement / worst.real_agreement
    level: Level = "bad" if share < BAD else "care" if share < CARE else "good"
    yield Finding(
        level,
        "labels",
        f"of images with {worst.attribute} = {worst.value} the reader sees it in "
        f"{worst.agreement:.0%}, and in {worst.real_agreement:.0%} of real ones: no value is read "
        "less often",
    )


def attribute_lines(found: Sequence[AttributeEvaluation]) -> Iterator[str]:
    """The table as lines of text."""
    for entry in found:
        name, own, real = cells_of(entry)
        yield f"{name}: {own} of {entry.images:,} images (real {real})"
    worst = worst_group(found)
    if worst is not None:
        yield f"worst group: {worst.attribute} = {worst.value}"


def cells_of(entry: AttributeEvaluation) -> tuple[str, str, str]:
    """What is read of it, of made images, of real ones."""
    if entry.number:
        shown = [
            "–" if value is None else f"{value:.3g} off in the mean"
            for value in (entry.agreement, entry.real_agreement)
        ]
        return entry.attribute, shown[0], shown[1]
    shares = [
        "–" if value is None else f"{value:.1%}"
        for value in (entry.agreement, entry.real_agreement)
    ]
    return f"{entry.attribute} = {entry.value}", f"read in {shares[0]}", shares[1]
