"""SIGTERM as Ctrl-C. Here because both the command line and the stages know it."""

from __future__ import annotations

from types import FrameType


def interrupt(number: int, frame: FrameType | None) -> None:
    """A signal handler: raise ``KeyboardInterrupt`` where the program stands."""
    raise KeyboardInterrupt
