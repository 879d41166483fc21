"""Foreign text in a page of Markdown."""

from __future__ import annotations

import html
import re

SIGNS = "|`[]*"
"""Signs that mean something to Markdown wherever they stand."""
EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore at the edge of a word; within one it means nothing."""


def plain(text: object) -> str:
    """Text that stays text, in one line and in one cell of a table, whatever it holds."""
    flat = html.escape(" ".join(str(text).split()))
    flat = EMPHASIS.sub("&#95;", flat)
    return "".join(f"&#{ord(sign)};" if sign in SIGNS else sign for sign in flat)
