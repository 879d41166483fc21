"""Ctrl-C and SIGTERM end a stage at its next safe point; a second one at once."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from synthgen.machine.interrupt import interrupt
from synthgen.machine.progress import say

PATIENCE = 6.0
"""Seconds in which a safe point must come; after that the stage ends where it stands, and goes on
from the last thing that it saved."""


@contextmanager
def stop_at_safe_point() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether a stop has been asked for since.

    Whoever asks it is at a safe point: it saves and raises ``KeyboardInterrupt``. Handlers that the
    program has set for itself (a scheduler's, for example) are left alone, and so is any thread but
    the main one, which cannot have handlers.
    """
    timer: threading.Timer | None = None

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal timer
        if timer is not None:
            raise KeyboardInterrupt
        timer = threading.Timer(PATIENCE, _thread.interrupt_main, (number,))
        timer.daemon = True
        timer.start()
        say("stopping at the next safe point; press again to stop at once")

    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number, handler in usual.items():
            if signal.getsignal(number) in (handler, interrupt):
                before[number] = signal.signal(number, ask)
    try:
        yield lambda: timer is not None
    finally:
        if timer is not None:
            timer.cancel()
        for number, old in before.items():
            signal.signal(number, old)
