"""What is said of all that readers see in images: attributes, edits, parts, captions."""

from __future__ import annotations

from collections.abc import Iterator

from synthgen.evaluation.attributes import attribute_findings
from synthgen.evaluation.edit_findings import edit_findings
from synthgen.evaluation.parts import part_findings
from synthgen.evaluation.record import Evaluation, Finding
from synthgen.evaluation.retrieval import retrieval_findings


def reading_findings(found: Evaluation) -> Iterator[Finding]:
    """A sentence on each field that a reader sees well enough in real images."""
    yield from edit_findings(found.edits)
    yield from attribute_findings(found.attributes)
    yield from part_findings(found.parts)
    yield from retrieval_findings(found.retrievals)
