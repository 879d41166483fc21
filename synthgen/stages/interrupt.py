"""SIGTERM as Ctrl-C. A file of its own: the command line needs it before anything heavy."""

from __future__ import annotations

from types import FrameType


def interrupt(number: int, frame: FrameType | None) -> None:
    """A signal handler: raise ``KeyboardInterrupt`` where the program stands."""
    raise KeyboardInterrupt
