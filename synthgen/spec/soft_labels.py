"""What a dataset's column ``soft_label`` is: whose probabilities, of which classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SOFT_LABEL = "soft_label"
"""Column of one probability for each of the dataset's classes, in their order."""

APART = 1e-3
"""What a row's probabilities may add up to beside 1."""


@dataclass(frozen=True)
class Teacher:
    """A label classifier that said what images show."""

    name: str
    """Of the generator whose bundle has it."""
    classifier_sha256: str
    """SHA-256 (hex) of its weights file."""


@dataclass(frozen=True)
class SoftLabels:
    """The column: the mean of its teachers' probabilities."""

    classes: int
    """Numbers in a cell."""
    teachers: tuple[Teacher, ...]

    def fault(self, cell: Any) -> str | None:
        """What is wrong with a cell, for ``verify``; ``None`` if nothing is."""
        if not isinstance(cell, Sequence) or len(cell) != self.classes:
            count = len(cell) if isinstance(cell, Sequence) else "no"
            return f"has {count} probabilities, not {self.classes}"
        if not all(isinstance(value, float) and math.isfinite(value) for value in cell):
            return "has a probability that is no finite number"
        if min(cell) < 0 or abs(sum(cell) - 1) > APART:
            return f"has probabilities that add up to {sum(cell):.4g}, or one under 0"
        return None

    def told(self) -> str:
        """Whose the probabilities are, for a card."""
        names = list(dict.fromkeys(teacher.name for teacher in self.teachers))
        return ", ".join(names)

    def to_json(self) -> dict[str, Any]:
        """The JSON object that :meth:`from_json` reads."""
        own = [
            {"name": one.name, "classifier_sha256": one.classifier_sha256} for one in self.teachers
        ]
        return {"classes": self.classes, "teachers": own}

    @staticmethod
    def from_json(record: Any) -> SoftLabels:
        """The column of a JSON object, which anybody may have written.

        Raises:
            ValueError: it is none.
        """
        try:
            classes, own = record["classes"], record["teachers"]
            teachers = tuple(Teacher(one["name"], one["classifier_sha256"]) for one in own)
        except (KeyError, TypeError):
            raise ValueError("its soft labels are damaged") from None
        texts = [text for one in teachers for text in (one.name, one.classifier_sha256)]
        if type(classes) is not int or not all(isinstance(text, str) for text in texts):
            raise ValueError("its soft labels are damaged")
        return SoftLabels(classes, teachers)


def soft_labels_record(columns: Sequence[SoftLabels | None]) -> Mapping[str, Any]:
    """What a dataset's settings have on record of the column: nothing where there is none. Of
    several datasets that become one, all their teachers."""
    known = [one for one in columns if one is not None]
    if not known:
        return {}
    teachers = dict.fromkeys(teacher for one in known for teacher in one.teachers)
    return {SOFT_LABEL: SoftLabels(known[0].classes, tuple(teachers)).to_json()}
