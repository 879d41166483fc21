"""The contents of a dataset repository on the stand-in for the Hugging Face hub."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass
class Repository:
    private: bool
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    """Revision and files, oldest first."""
    large: dict[str, dict[str, str]] = field(default_factory=dict)
    """For each revision, the SHA-256 of the files that are stored as large ones."""

    def files(self, revision: str) -> dict[str, bytes] | None:
        if revision == "main":
            return self.commits[-1][1]
        return next((files for oid, files in self.commits if oid == revision), None)

    @property
    def head(self) -> str:
        return self.commits[-1][0]

    def commit(self, files: dict[str, bytes]) -> str:
        oid = hashlib.sha1(f"{len(self.commits)}{sorted(files)}".encode()).hexdigest()
        self.commits.append((oid, files))
        return oid


def git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(path: str, size: int) -> bool:
    return path.endswith((".parquet", ".tar")) or size > 10_000_000
