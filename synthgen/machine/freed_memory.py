"""Freed memory stays with the process: layers ask for the same megabytes batch after batch."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Parameters of glibc's ``mallopt(3)``."""
KEPT = 2**31 - 1
"""Free bytes at a heap's end from which on some go back: the most that can be said."""
LARGEST_KEPT = 32 * 2**20
"""Larger blocks are mapped and unmapped one by one: the most that glibc takes."""


def keep_freed_memory() -> None:
    """Tell glibc to keep what is freed; elsewhere nothing changes.

    By default it gives the ends of its heaps back to the system, which hands them out again page by
    page and cleared: on two cores that took 8 % of the time of generating and of training. All
    threads share one heap: the further heaps that it makes for threads go back whenever they are
    empty, whatever it was told, and what is free in one is of no use to the threads of another.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(M_ARENA_MAX, 1)
