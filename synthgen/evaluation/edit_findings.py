"""What is said of edits in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from synthgen.evaluation.edits import Edits, nearest_text
from synthgen.evaluation.record import Finding, Level

WELL = 0.8
"""Share of images nearer to their own source under which one is told to mind them."""


def edit_findings(found: Edits | None) -> Iterator[Finding]:
    """A sentence on identity, where images were compared with their sources."""
    if found is not None and found.nearest is not None:
        level: Level = "good" if found.nearest >= WELL else "care"
        yield Finding(level, "originals", nearest_text(found))
