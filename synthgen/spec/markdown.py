"""Foreign text in a page of Markdown."""

from __future__ import annotations

import html

SPECIAL = {"|": "&#124;", "`": "&#96;", "[": "&#91;", "]": "&#93;"}


def plain(text: object) -> str:
    """Text that stays text, in one line and in one cell of a table, whatever it holds."""
    flat = html.escape(" ".join(str(text).split()))
    return "".join(SPECIAL.get(character, character) for character in flat)
