"""Where everything lies in a dataset folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folder of one dataset. ``data/`` holds finished shards only."""

    root: Path

    @property
    def card(self) -> Path:
        """README.md: written last, so that its presence means complete."""
        return self.root / "README.md"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def contact_sheet(self) -> Path:
        return self.root / "report" / "contact-sheet.png"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def rejects(self) -> Path:
        return self.root / "rejects"

    @property
    def own(self) -> Path:
        """A dot-folder: loaders of datasets never look inside."""
        return self.root / ".synthgen"

    @property
    def staging(self) -> Path:
        return self.own / "staging"

    @property
    def receipts(self) -> Path:
        return self.own / "receipts"

    @property
    def plan(self) -> Path:
        return self.own / "plan.json"

    @property
    def settings(self) -> Path:
        return self.own / "settings.json"

    @property
    def exclusions(self) -> Path:
        return self.own / "exclusions.json"

    @property
    def lock(self) -> Path:
        return self.own / "lock"

    def is_complete(self) -> bool:
        """Whether the card is there."""
        return self.card.is_file()
