"""What tests look at in finished datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The rows of the split ``train``, as ``datasets`` reads them."""
    return list(datasets.load_dataset(str(folder), split="train"))


def shards(folder: Path) -> dict[str, bytes]:
    """The bytes of every shard, by name."""
    return {path.name: path.read_bytes() for path in sorted((folder / "data").iterdir())}
