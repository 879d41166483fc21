"""What a command tells the user while it works: lines, and how far it is.

On a terminal and in a notebook the way is a bar below the lines. Where nobody watches (a file, a
scheduler's log) it is a line every half minute. ``--quiet`` hides both; lines that say something
stay.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from tqdm import tqdm

from synthgen.spec.credentials import without_credentials
from synthgen.spec.errors import printable

T = TypeVar("T")

LOGGER = logging.getLogger("synthgen")

EVERY = 30.0
"""Seconds between two lines where no terminal is."""

_quiet = False


def be_quiet(quiet: bool = True) -> None:
    """Show no bars and no lines of progress in this process, or show them again."""
    global _quiet
    _quiet = quiet


def _is_watched() -> bool:
    """Whether what is written to stderr is seen at once: on a terminal, or below a notebook's
    cell."""
    return sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel.")


class _AboveTheBar(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def say(text: str) -> None:
    """Log ``text`` to the logger ``synthgen``, which also writes it to stderr, above the bar.

    Passwords and signatures of URLs in it are blotted out.
    """
    if not any(isinstance(handler, _AboveTheBar) for handler in LOGGER.handlers):
        LOGGER.addHandler(_AboveTheBar())
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False
    LOGGER.info(printable(without_credentials(text)))


class Progress:
    """How much of something is done, shown while the block lasts; any thread may add to it."""

    def __init__(
        self, total: int, what: str, unit: str = "img", *, initial: int = 0, shown: bool = True
    ) -> None:
        """``initial`` of the ``total`` were done before: they count for no rate."""
        self.total = total
        self.done = initial
        self._initial = initial
        self._what = what
        self._unit = unit
        self._lock = threading.Lock()
        shown = shown and not _quiet
        self._bar: tqdm[Any] | None = None
        if shown and _is_watched():
            self._bar = tqdm(total=total, initial=initial, unit=unit, desc=what, smoothing=0.05)
        self._lines = shown and self._bar is None
        self._began = self._told = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, count: int = 1) -> None:
        """So much more is done."""
        self.reach(self.done + count)

    def reach(self, done: int) -> None:
        """So much is done in all; less than before, if some of it was lost."""
        with self._lock:
            self.done = done
            if self._bar is not None:
                self._bar.n = done
                self._bar.update(0)
            now = time.monotonic()
            if self._lines and now - self._told >= EVERY:
                self._told = now
                say(self._line(now))

    def extend(self, more: int) -> None:
        """There is more to do than was known."""
        self.total += more
        if self._bar is not None:
            self._bar.total = self.total
            self._bar.refresh()

    def _line(self, now: float) -> str:
        share = self.done / max(1, self.total)
        text = f"{self._what}: {self.done:,} of {self.total:,} {self._unit} ({share:.0%})"
        rate = (self.done - self._initial) / max(1e-9, now - self._began)
        if rate <= 0:
            return text
        speed = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s"
        left = max(0, self.total - self.done) / rate
        return f"{text}, {speed}, {duration(left)} left"


def over(items: Iterable[T], total: int, what: str, unit: str = "img") -> Iterator[T]:
    """The items, one after another, and how many of them have been gone through."""
    with Progress(total, what, unit) as progress:
        for item in items:
            yield item
            progress.add()


def duration(seconds: float) -> str:
    """``"45 s"``, ``"3 min 20 s"`` or ``"2 h 5 min"``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
