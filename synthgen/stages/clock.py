"""Seconds of work by stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Clock:
    """Seconds of work by stage; encoding's are summed over its threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """``work`` as a function whose time is added to the stage."""

        def wrapped(*inputs: Any) -> Any:
            start = time.perf_counter()
            try:
                return work(*inputs)
            finally:
                self._add(stage, start)

        return wrapped

    def each(self, stage: str, items: Iterator[T]) -> Iterator[T]:
        """``items``, with the time that getting each one takes."""
        while True:
            start = time.perf_counter()
            item = next(items, None)
            self._add(stage, start)
            if item is None:
                return
            yield item

    def _add(self, stage: str, start: float) -> None:
        passed = time.perf_counter() - start
        self.seconds[stage] = self.seconds.get(stage, 0.0) + passed
