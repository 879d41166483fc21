"""What is said of edits in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from synthgen.evaluation.edits import Edits, identity_text
from synthgen.evaluation.record import Finding, Level

WELL = 0.8
"""Share of images that are surely their sources' under which one is told to mind them."""


def edit_findings(found: Edits | None) -> Iterator[Finding]:
    """A sentence on identity, where it was measured."""
    if found is not None and found.identity is not None:
        level: Level = "good" if found.identity >= WELL else "care"
        yield Finding(level, "originals", identity_text(found))
