"""Where everything lies in the folder of an adaptation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.storage.whole import write_json_whole


@dataclass(frozen=True)
class Places:
    """The parts of a run's folder."""

    root: Path

    @property
    def source(self) -> Path:
        """The source's rows in the target's frame."""
        return self.root / "source"

    @property
    def target(self) -> Path:
        """The target's images under pseudo-labels."""
        return self.root / "target"

    @property
    def namer(self) -> Path:
        """The classifier whose answers these are."""
        return self.root / "readers" / "namer"

    @property
    def auditor(self) -> Path:
        return self.root / "readers" / "auditor"

    @property
    def translator(self) -> Path:
        return self.root / "translator"

    @property
    def made(self) -> Path:
        """All translations."""
        return self.root / "made"

    @property
    def audit(self) -> Path:
        return self.root / "audit.json"

    @property
    def report(self) -> Path:
        """The audit, for people."""
        return self.root / "audit.md"

    @property
    def kept(self) -> Path:
        """The translations that the audit leaves."""
        return self.root / "kept"

    @property
    def rounds(self) -> Path:
        return self.root / "rounds"

    @property
    def tested(self) -> Path:
        """Accuracies on the test images, a file for each row of the table."""
        return self.root / "tested"

    @property
    def dataset(self) -> Path:
        """What it is all for."""
        return self.root / "dataset"

    def receipt(self, step: str) -> Path:
        """The file that says that a step is done."""
        return self.root / "receipts" / f"{step}.json"

    def done(self, step: str) -> dict[str, Any] | None:
        """What the receipt of a step says; ``None``: it is not done."""
        try:
            found: dict[str, Any] = json.loads(self.receipt(step).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def finish(self, step: str, **said: Any) -> None:
        """Write the receipt of a step."""
        write_json_whole(self.receipt(step), said)
