"""How much the filters throw away, and a word of warning where it is a lot.

A filter that rejects most of what a generator makes chooses which images there are: the dataset
shows the filter's taste, and less variety than the generator has.
"""

from __future__ import annotations

from collections.abc import Sequence

from synthgen.dataset.counts import KEPT, by_class
from synthgen.dataset.receipts import Receipt

LITTLE_KEPT = 0.5
"""Share of a class' candidates below which the choice is told."""
MUCH_BY_ONE = 0.2
DOMINANT = 0.8
"""A reason is told that takes this share of the rejects and the share above of all candidates."""


def over_filtering(receipts: Sequence[Receipt]) -> list[str]:
    """One sentence for each class that keeps little, and for a reason that rejects nearly all."""
    table = by_class(receipts)
    lost = table.drop(columns=KEPT)
    found = []
    for label, kept, thrown in zip(table.index, table[KEPT], lost.sum(axis=1), strict=True):
        share = kept / max(1, kept + thrown)
        if thrown and share < LITTLE_KEPT:
            found.append(
                f"class '{label}' keeps {share:.0%} of its candidates, most of them lost to "
                f"{lost.loc[label].idxmax()}: it shows the filter's choice, and less variety than "
                "the generator has"
            )
    candidates, totals = int(table.to_numpy().sum()), lost.sum()
    for reason, number in totals.items():
        alone = number > DOMINANT * totals.sum() and len(totals) > 1
        if alone and number > MUCH_BY_ONE * candidates:
            found.append(
                f"{reason} alone rejects {number / candidates:.0%} of all candidates: look at them "
                "(--keep-rejects), loosen it, or train the generator longer"
            )
    return found
