"""What a report shows: everything the page needs, read from the dataset beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from synthgen.evaluation.evidence import Evidence
from synthgen.evaluation.record import Acceptance, Evaluation
from synthgen.evaluation.utility import Utility


@dataclass(frozen=True)
class Shot:
    """A picture (``evidence.picture``) and what stands under the pointer."""

    picture: str
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Some pictures of one kind."""

    name: str
    note: str
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class Content:
    """A finished dataset, and what is known of how good it is."""

    name: str
    rows: int
    classes: tuple[str, ...]
    side: int
    """Pixels of an image's longer side."""
    summary: str
    """One line: size, generator, seed."""
    acceptance: tuple[Acceptance, ...]
    filters: str
    samples: tuple[Gallery, ...]
    """A random choice of each class."""
    given: tuple[Gallery, ...]
    """What rows were made from, real rows mostly, above what was made of them."""
    judged: tuple[Gallery, ...]
    """The worst and borderline rejects, and the borderline accepts."""
    facts: tuple[tuple[str, str], ...]
    """Where the dataset comes from."""
    manifest: Mapping[str, Any]
    """The part of the manifest that is shown whole."""
    evaluation: Evaluation | None
    evidence: Evidence | None
    utility: Utility | None
    stale: tuple[str, ...]
    """Files that are of other images than the dataset has now, and are not shown."""
    real_images: bool = True
    """Whether pictures of real images may be shown."""

    def without_real_images(self) -> Content:
        """The content without pictures of real images. Points of the map stay: they show none."""
        evidence = self.evidence and replace(self.evidence, training_pairs=())
        return replace(self, given=(), evidence=evidence, real_images=False)
