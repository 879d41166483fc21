"""Where everything lies in a dataset folder."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import Place, lies_in
from synthgen.storage.store_path import StorePath
from synthgen.storage.transfer import scratch


@dataclass(frozen=True)
class Layout:
    """The folder of one dataset. ``data/`` holds finished shards only."""

    root: Place

    @property
    def card(self) -> Place:
        """README.md: written last, so that its presence means complete."""
        return self.root / "README.md"

    @property
    def manifest(self) -> Place:
        return self.root / "manifest.json"

    @property
    def contact_sheet(self) -> Place:
        return self.root / "report" / "contact-sheet.png"

    @property
    def data(self) -> Place:
        return self.root / "data"

    @property
    def rejects(self) -> Place:
        return self.root / "rejects"

    @property
    def own(self) -> Place:
        """A dot-folder: loaders of datasets never look inside."""
        return self.root / ".synthgen"

    @property
    def staging(self) -> Path:
        """Where files grow: on the dataset's own disk, or on this machine for one on a store."""
        if isinstance(self.root, StorePath):
            return scratch(f"staging {self.root}")
        return self.root / ".synthgen" / "staging"

    @property
    def receipts(self) -> Place:
        return self.own / "receipts"

    @property
    def plan(self) -> Place:
        return self.own / "plan.json"

    @property
    def settings(self) -> Place:
        return self.own / "settings.json"

    @property
    def exclusions(self) -> Place:
        return self.own / "exclusions.json"

    @property
    def lock(self) -> Place:
        return self.own / "lock"

    def is_complete(self) -> bool:
        """Whether the card is there."""
        return self.card.is_file()

    def refuse_inside(self, out: Place) -> None:
        """What is made of this dataset lies elsewhere: a new one would take the place of its files.

        Raises:
            SynthgenError: ``out`` is the dataset's own folder or lies in it.
        """
        if lies_in(out, self.root):
            raise SynthgenError(
                f"{out}: is {self.root}, or lies in it, which is read; name another folder"
            )

    def refuse_links(self) -> None:
        """Nothing is written, and nothing removed, outside of the dataset's own folder.

        Raises:
            SynthgenError: one of its folders, or its lock, is a symbolic link.
        """
        folders = [self.data, self.rejects, self.own, self.receipts, self.contact_sheet.parent]
        for path in [*folders, self.staging, self.lock]:
            if path.is_symlink():
                raise SynthgenError(
                    f"{path}: is a symbolic link; synthgen writes only inside of {self.root}: "
                    "remove the link"
                )


def load_line(root: Place, splits: Iterable[str]) -> str:
    """The line that loads a dataset in Python, from wherever it is run."""
    if isinstance(root, StorePath):
        files = ", ".join(f'"{name}": "{root}/data/{name}-*.parquet"' for name in splits)
        return f'load it: datasets.load_dataset("parquet", data_files={{{files}}})'
    whole = str(root.expanduser().resolve())
    if "::" in whole:
        return f"load it: first rename {whole}: datasets takes no name with '::'"
    if not any(char in whole for char in "*?["):
        return f"load it: datasets.load_dataset({_quoted(whole)})"
    # To datasets a folder's name is a pattern.
    found = ", ".join(
        f"{_quoted(name)}: {_quoted(f'{glob.escape(whole)}/data/{name}-*.parquet')}"
        for name in splits
    )
    return f'load it: datasets.load_dataset("parquet", data_files={{{found}}})'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
