"""The one exception that is the user's to mend, and the nearest-name suggestion it carries."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

from synthgen.spec.credentials import without_credentials


class SynthgenError(Exception):
    """A mistake or a condition the user can mend. Its text is one line: what, where, what to do.

    The command line prints it without a traceback and exits with code 2. Passwords and signatures
    of URLs in it are blotted out.
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable(without_credentials(text)))


class TooFewPass(SynthgenError):
    """Filters take nearly all candidates. A stage that samples on the way to something else says in
    :attr:`mend` which of its own options help."""

    mend = "train the generator longer, loosen --filters, or lower --acceptance-floor"

    def instead(self, mend: str) -> TooFewPass:
        """The same finding, with other words on what to do."""
        error = TooFewPass(*self.args)
        error.mend = mend
        return error

    def __str__(self) -> str:
        return f"{self.args[0]}; {self.mend}"


def printable(text: str) -> str:
    """``text`` with the bytes of a file name that is not UTF-8 written out in hexadecimal."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


JOINER = "\u200d"
"""What joins signs to one, as in Hindi and in pictures of families."""

UNSEEN = {"Cc", "Cf", "Zl", "Zp"}
"""Unicode's categories of signs that break a line, turn its direction or cannot be seen."""


def on_one_line(text: str) -> str:
    r"""``text`` as a terminal shows it beside others: signs that would break the line, turn its
    direction or vanish are written out, as ``\n`` and ``\u202e``."""
    return "".join(
        ascii(char)[1:-1] if unicodedata.category(char) in UNSEEN and char != JOINER else char
        for char in text
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'cat'?"`` for the nearest known word, or an empty string if none is
    near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def name_list(names: Iterable[str], limit: int = 12) -> str:
    """``a, b, c`` for an error line, cut after ``limit`` names with the count of the rest."""
    all_names = list(names)
    shown = ", ".join(all_names[:limit])
    return shown if len(all_names) <= limit else f"{shown} and {len(all_names) - limit} more"
