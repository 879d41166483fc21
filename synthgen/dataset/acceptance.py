"""How much the filters throw away, and a word of warning where it is a lot.

A filter that rejects most of what a generator makes chooses which images there are: the dataset
shows the filter's taste, and less variety than the generator has.
"""

from __future__ import annotations

from collections.abc import Sequence

from synthgen.dataset.receipts import Receipt

LITTLE_KEPT = 0.5
"""Share of a class' candidates below which the choice is told."""
MUCH_BY_ONE = 0.2
DOMINANT = 0.8
"""A reason is told that takes this share of the rejects and the share above of all candidates."""


def over_filtering(receipts: Sequence[Receipt]) -> list[str]:
    """One sentence for each class that keeps little, and for a reason that rejects nearly all."""
    kept: dict[str, int] = {}
    lost: dict[str, dict[str, int]] = {}
    for receipt in receipts:
        for label, count in receipt.per_class.items():
            kept[label] = kept.get(label, 0) + count
        for reason, by_class in receipt.rejected.items():
            for label, count in by_class.items():
                own = lost.setdefault(label, {})
                own[reason] = own.get(reason, 0) + count
    found = []
    totals: dict[str, int] = {}
    for label, count in kept.items():
        own = lost.get(label, {})
        for reason, number in own.items():
            totals[reason] = totals.get(reason, 0) + number
        thrown = sum(own.values())
        share = count / max(1, count + thrown)
        if thrown and share < LITTLE_KEPT:
            worst = max(own, key=lambda reason: own[reason])
            found.append(
                f"class '{label}' keeps {share:.0%} of its candidates, most of them lost to "
                f"{worst}: it shows the filter's choice, and less variety than the generator has"
            )
    candidates = sum(kept.values()) + sum(totals.values())
    for reason, number in totals.items():
        alone = number > DOMINANT * sum(totals.values()) and len(totals) > 1
        if alone and number > MUCH_BY_ONE * candidates:
            found.append(
                f"{reason} alone rejects {number / candidates:.0%} of all candidates: look at them "
                "(--keep-rejects), loosen it, or train the generator longer"
            )
    return found
