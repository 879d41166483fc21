"""Ctrl-C and SIGTERM. A file of its own: the command line needs it before anything heavy.

The first ends the command in order, within seconds; the second ends the process at once. Neither
leaves a half-written file under a final name, because nothing is ever written there in place: what
was being written lies in a staging folder, which the next run clears.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

STOPPED = 130
"""Exit code."""

GRACE = 8.0
"""Seconds that a command has to put its things away, once it was told to stop."""

_asked = False


def listen() -> None:
    """Have both signals handled by :func:`interrupt`. A Ctrl-C that whoever started the process
    has switched off (a shell, for what it runs in the background) stays off."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise ``KeyboardInterrupt`` where the program stands; the second time, end the process.

    The process ends too if it has not after :data:`GRACE`: some library may have swallowed it.
    """
    global _asked
    if _asked:
        leave()
    _asked = True
    watchdog = threading.Timer(GRACE, leave)
    watchdog.daemon = True
    watchdog.start()
    raise KeyboardInterrupt


def leave() -> None:
    """Say how to go on and end the process, with nothing more of it run. Its worker processes see
    that it is gone and end themselves."""
    os.write(2, f"\n{farewell()}\n".encode())
    os._exit(STOPPED)


def farewell() -> str:
    """How to go on with the command that this process was."""
    but = ", without --overwrite," if "--overwrite" in sys.argv else ""
    return f"stopped; run the same command again{but} to go on"
