"""Class names: any text that is not blank, in one spelling of its letters.

A Mac writes an accent as a sign of its own (decomposed), a keyboard types letter and accent as one
(composed): both are the same name to whoever reads them, and so they are here.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from synthgen.spec.errors import SynthgenError


def in_one_spelling(name: str) -> str:
    """The name with composed letters (Unicode's NFC)."""
    return unicodedata.normalize("NFC", name)


def checked(name: str, where: str) -> str:
    """A class name in one spelling.

    Raises:
        SynthgenError: it is blank, or no text.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        raise SynthgenError(
            f"{where}: the name '{shown}' is not written in UTF-8; rename it, for example with "
            "convmv -f latin1 -t utf8 --notest"
        ) from None
    if not name.strip() or "\0" in name:
        raise SynthgenError(f"{where}: {name!r} cannot be a class name; rename the class")
    return in_one_spelling(name)


WHOLE = re.compile(r"-?(0|[1-9]\d*)")


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Different names in alphabetical order; whole numbers, where all are, by their size."""
    different = set(names)
    if all(WHOLE.fullmatch(name) for name in different):
        return tuple(sorted(different, key=int))
    return tuple(sorted(different))


def indexed(names: Sequence[str], known: Sequence[str] | None = None) -> tuple[
    tuple[str, ...], np.ndarray
]:  # fmt: skip
    """Classes and ``int64 [N]`` labels of the names of N rows; ``known`` gives the order."""
    classes = in_order(names) if known is None else tuple(known)
    place = {name: index for index, name in enumerate(classes)}
    return classes, np.asarray([place[name] for name in names], dtype=np.int64)


def joined(classes: Sequence[str], labels: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Classes and labels with every name once: two spellings of one name become one class."""
    kept = tuple(dict.fromkeys(classes))
    if len(kept) == len(classes):
        return kept, labels
    place = np.asarray([kept.index(name) for name in classes], dtype=np.int64)
    return kept, place[labels]
