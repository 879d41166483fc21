"""Ask a store again when it fails, with longer and longer waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TRIES = 5
FIRST_WAIT = 0.5
"""Seconds before a call that failed is tried again; doubled each time."""

FOR_GOOD = (
    PermissionError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError,
    NotImplementedError, ImportError,
)  # fmt: skip
"""Answers that waiting does not change."""

NO_CREDENTIALS = {
    "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "DefaultCredentialsError",
}  # fmt: skip
"""Names of errors that waiting does not change, of clients that need not be installed."""


def again(call: Callable[[], T]) -> T:
    """What ``call`` gives; tried up to :data:`TRIES` times.

    Raises:
        Exception: what the last try raised; one of :data:`FOR_GOOD` at once.
    """
    for number in range(TRIES - 1):
        try:
            return call()
        except FOR_GOOD:
            raise
        except Exception as error:  # each store fails in its own words
            if type(error).__name__ in NO_CREDENTIALS:
                raise
            time.sleep(FIRST_WAIT * 2**number)
    return call()
