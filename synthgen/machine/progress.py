"""Lines for the user: logged, and written to the terminal without breaking its progress bar."""

from __future__ import annotations

import logging
import sys

from tqdm import tqdm

from synthgen.spec.credentials import without_credentials
from synthgen.spec.errors import printable

LOGGER = logging.getLogger("synthgen")


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
