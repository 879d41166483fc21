"""What the names of joints tell: which are left and right of each other, and which a limb joins."""

from __future__ import annotations

import re
from collections.abc import Sequence

SIDES = {"left": "right", "l": "r"}
LIMBS = (
    ("ankle", "knee"), ("knee", "hip"), ("hip", "shoulder"), ("shoulder", "elbow"),
    ("elbow", "wrist"), ("wrist", "hand"), ("ankle", "foot"), ("ear", "eye"),
)  # fmt: skip
"""Parts of a body that a limb joins on either side."""
MIDDLE = (
    ("neck", "shoulder"), ("neck", "head"), ("neck", "nose"), ("neck", "pelvis"),
    ("pelvis", "hip"), ("nose", "eye"), ("nose", "ear"),
)  # fmt: skip
"""Parts in the middle, and what a limb joins them with, on both sides where it has two."""
ACROSS = ("hip", "shoulder")
"""Parts of which the left one is joined with the right one."""
SAME = {"top": "head", "headtop": "head", "hips": "hip", "thorax": "neck", "chest": "neck"}


def mirrored_pairs(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Places of the left and of the right joint of each pair: names that differ in ``left`` and
    ``right``, or in ``l`` and ``r``, and in nothing else (``left_knee``, ``LKnee``, ``knee.r``)."""
    words = {tuple(_words(name)): place for place, name in enumerate(names)}
    found = []
    for own, place in words.items():
        for at, word in enumerate(own):
            other = words.get((*own[:at], SIDES.get(word, ""), *own[at + 1 :]))
            if other is not None:
                found.append((place, other))
                break
    return tuple(found)


def limbs_of(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Places of the joints of each limb that a body has between joints of such names; empty for
    names that are no parts of a body."""
    parts = [_part(name) for name in names]
    found: list[tuple[int, int]] = []
    for a, (side, part) in enumerate(parts):
        for b, (other, end) in enumerate(parts):
            one = side == other and (part, end) in LIMBS
            middle = not side and (part, end) in MIDDLE
            across = part in ACROSS and part == end and (side, other) == ("left", "right")
            if one or middle or across:
                found.append((a, b))
    return tuple(found)


def _words(name: str) -> list[str]:
    """``LKnee`` and ``left knee`` as ``["l", "knee"]`` and ``["left", "knee"]``."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return re.findall(r"[^\W_]+", apart.lower())


def _part(name: str) -> tuple[str, str]:
    """The side that a joint is on, if its name says it, and which part it is."""
    words = [SAME.get(word, word) for word in _words(name)]
    side = next((word for word in words if word in {*SIDES, *SIDES.values()}), "")
    rest = [word for word in words if word != side]
    return {"l": "left", "r": "right"}.get(side, side), rest[0] if rest else ""
