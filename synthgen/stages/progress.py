"""What a long stage says while it runs: on standard error, above its progress bar."""

from __future__ import annotations

import sys

from tqdm import tqdm


def say(text: str) -> None:
    """Print a line without breaking the bar."""
    tqdm.write(text, file=sys.stderr)
