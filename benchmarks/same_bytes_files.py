"""Which files of two runs are not the same byte by byte, but for what changes with the clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VOLATILE_KEYS = frozenset({"seconds"})
TIMES_OF_TRAINING = frozenset({"images_per_second"})
LEFT_OUT = ("/.synthgen/lock", "/.synthgen/staging/", "/.lock")
"""Parts of paths of files that are gone, or empty of meaning, when a run is done."""


@dataclass(frozen=True)
class Unlike:
    """A file that is not the same in both folders; ``None`` where it is in the other only."""

    name: str
    old: bytes | None
    new: bytes | None

    def __str__(self) -> str:
        if self.old is None or self.new is None:
            return f"{self.name} is in the {'new' if self.old is None else 'old'} only"
        shorter = min(len(self.old), len(self.new))
        one, two = (np.frombuffer(side[:shorter], np.uint8) for side in (self.old, self.new))
        at = int(np.argmax(one != two)) if (one != two).any() else shorter
        sizes = (len(self.old), len(self.new))
        lengths = f", of {sizes[0]:,} and {sizes[1]:,}" if sizes[0] != sizes[1] else ""
        return f"{self.name} from byte {at:,}{lengths}"


def comparable(path: Path, name: str) -> bytes:
    """The bytes of a file that are compared: all, but for the values of times."""
    content = path.read_bytes()
    timed = name.endswith(("manifest.json", "classifier/classifier.json"))
    if timed or "/.synthgen/receipts/" in f"/{name}":
        return _without(content.decode(), VOLATILE_KEYS)
    if name.endswith("metrics.jsonl"):
        lines = content.decode().splitlines()
        return b"\n".join(_without(line, TIMES_OF_TRAINING) for line in lines)
    return content


def _without(text: str, keys: frozenset[str]) -> bytes:
    """JSON with the values of these keys emptied, wherever they are; the keys must be there."""
    return json.dumps(json.loads(text, object_pairs_hook=lambda pairs: {
        key: None if key in keys else value for key, value in pairs
    }), indent=1).encode()  # fmt: skip


def files_of(folder: Path) -> dict[str, Path]:
    """All files in a folder that are compared, by their path in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part in f"/{name}" for part in LEFT_OUT):
            found[name] = path
    return found


def differences(old: Path, new: Path) -> Iterator[Unlike]:
    """Each file that is not the same in both folders, by name."""
    before, after = files_of(old), files_of(new)
    for name in sorted(before.keys() | after.keys()):
        one = comparable(before[name], name) if name in before else None
        two = comparable(after[name], name) if name in after else None
        if one != two:
            yield Unlike(name, one, two)
