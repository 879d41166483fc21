"""Paths of this machine as people write them."""

from __future__ import annotations

from pathlib import Path


def local_path(text: str) -> Path:
    """The path of a text; ``~`` at its beginning is the home folder, as in a shell.

    A folder that is itself called so is had by ``./~``.
    """
    path = Path(text)
    if text.startswith("~"):
        try:
            return path.expanduser()
        except RuntimeError:  # of no such user: a folder of that name
            pass
    return Path.cwd() / path if path.parts[:1] and path.parts[0].startswith("~") else path
