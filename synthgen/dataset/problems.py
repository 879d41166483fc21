"""What may be wrong with a dataset folder."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Kinds of problems; what mends them differs."""

    PLAN = "plan"
    MANIFEST = "manifest"
    CARD = "card"
    MISSING = "missing"
    """A shard of the plan is not there."""
    STRAY = "stray"
    """A file among the shards is none of the plan's."""
    RECEIPT = "receipt"
    """A shard has none, or other bytes than it says."""
    REJECTS = "rejects"
    COLUMNS = "columns"
    ROWS = "rows"
    """Counts, labels or images are not those of the plan."""
    UNREADABLE = "unreadable"
    REPEATS = "repeats"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. As text it is the line for the user."""

    kind: Kind
    shard: str | None
    """The file inside ``data/``; ``None`` where it is of no single one."""
    message: str

    def __str__(self) -> str:
        return self.message if self.shard is None else f"data/{self.shard}: {self.message}"
