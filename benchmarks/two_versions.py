"""What pages that compare two commits share: their files side by side, and processes of each."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")


class Failed(Exception):
    """A command did not end well; the text says which, and its last line."""


@dataclass(frozen=True)
class Side:
    """One version of the code, and the folder that it works in."""

    name: str
    tree: Path
    work: Path

    @property
    def environment(self) -> dict[str, str]:
        """That of a process of this code: one thread, and decoded images kept in ``work``."""
        return {
            **os.environ,
            **{f"{name}_NUM_THREADS": "1" for name in THREADS},
            "PYTHONPATH": str(self.tree),
            "SYNTHGEN_CACHE": str(self.work / "cache"),
        }

    def python(self, *arguments: str) -> str:
        """What a Python process of this code prints.

        Raises:
            Failed: it ended with another code than 0.
        """
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.work, env=self.environment, text=True,
            capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            last = (done.stderr.strip() or "nothing said").splitlines()[-1]
            said = " ".join(arguments[1:])
            raise Failed(f"{self.name}: '{said}' ended with {done.returncode}: {last}")
        return done.stdout


def sides(commit: str, folder: Path) -> tuple[Side, Side, str]:
    """The old version and the one here, with new folders to work in, and the old one's full name.

    Raises:
        Failed: there is no such commit, or a version's code would not be the one that runs.
    """
    full = export(commit, folder / "old-code")
    old = Side("old", folder / "old-code", folder / "old")
    new = Side("new", HERE, folder / "new")
    for side in (old, new):
        side.work.mkdir()
        found = side.python("-c", "import synthgen; print(synthgen.__file__)").strip()
        if Path(found) != side.tree / "synthgen" / "__init__.py":
            raise Failed(f"{side.name}: would run {found}, not {side.tree}")
    return old, new, full


def export(commit: str, folder: Path) -> str:
    """Put the files of a commit into ``folder``; its full name.

    Raises:
        Failed: git knows no such commit.
    """
    git = ["git", "-C", str(HERE)]
    found = subprocess.run(
        [*git, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"],
        capture_output=True,
        text=True,
    )
    if found.returncode != 0:
        raise Failed(f"no commit '{commit}' in {HERE}; name one of git log")
    archive = subprocess.run(
        [*git, "archive", found.stdout.strip(), "synthgen", "benchmarks", "configs"],
        check=True,
        capture_output=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return found.stdout.strip()
