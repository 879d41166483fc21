"""Captions as a reader sees them: how often made images find their own, beside real ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synthgen.evaluation.record import Finding, Level, RetrievalEvaluation

CARE, BAD = 0.8, 0.5
"""Of what real images find, the shares under which it is named."""
ABOVE_CHANCE = 3.0
"""Times chance that real images must find their own, for the reader to be believed."""
FEWEST = 20
"""Images on either side."""


def retrieval_rows(found: Sequence[RetrievalEvaluation]) -> list[tuple[str, str, str]]:
    """What was measured, of made images and of real ones."""
    rows = []
    for entry in found:
        among = f"{entry.field}: found among {entry.among} (chance {1 / entry.among:.0%})"
        rows.append((among, _share(entry.found), _share(entry.real_found)))
        agreed = f"{entry.field}: probability of belonging together, mean"
        rows.append((agreed, _share(entry.agreement), _share(entry.real_agreement)))
    return rows


def retrieval_lines(found: Sequence[RetrievalEvaluation]) -> Iterator[str]:
    """The same as lines of text."""
    for name, made, real in retrieval_rows(found):
        yield f"{name}: {made} (real {real})"


def retrieval_findings(found: Sequence[RetrievalEvaluation]) -> Iterator[Finding]:
    """A sentence for each field of captions whose reader real images bear out."""
    for entry in found:
        real = entry.real_found
        if min(entry.images, entry.real_images) < FEWEST or real is None:
            continue
        if real * entry.among < ABOVE_CHANCE:
            continue
        share = entry.found / real
        level: Level = "bad" if share < BAD else "care" if share < CARE else "good"
        yield Finding(
            level,
            "labels",
            f"{entry.found:.0%} of images find their own {entry.field} among {entry.among}, and "
            f"{real:.0%} of real ones",
        )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
