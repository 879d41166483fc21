"""Names of columns that more than one room knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TRAIN_ROW = "train_row"
"""Column with the row of the nearest training image, ``int64``: the one score that measures
nothing."""

DISCRIMINATOR = "discriminator"
"""The score that costs as much as generating: measured only where it is asked for."""

NAMED_BY = "named_by"
"""The score of a translated image's label, by an audit."""

MEANINGS = {
    "brightness": "mean grey value, 0 to 1",
    "contrast": "standard deviation of the grey values",
    "entropy": "of the histogram of 8 grey levels, in bits",
    "sharpness": "standard deviation of the Laplacian",
    "grain": "sharpness over contrast; about 4.5 for noise",
    "label_agreement": "probability that a classifier trained on the real data gives the image its "
    "own label",
    "realism": "how deep the image lies among real ones in that classifier's features; real images "
    "have about 1 and more",
    DISCRIMINATOR: "logit of the generator's own discriminator for the image under its label; "
    "higher looks more real to it",
    "train_distance": "distance of fingerprints to the nearest training image of the class; copies "
    "are near 0",
    TRAIN_ROW: "which image that is: its row in the training data as it was read",
    NAMED_BY: "how many of two classifiers that guarded nothing name the image's label: 0, 1 or 2",
}
"""Score to what it says, in words for a reader of the card."""

AGREEMENT = "_agreement"
"""The end of the name of a score that says how far an image bears out another column."""


IDENTITY = f"identity{AGREEMENT}"
"""The score of how sure it is that an edit shows what its source shows."""


def meaning(score: str) -> str:
    """What a score says, in a few words."""
    if score in MEANINGS:
        return MEANINGS[score]
    if score == IDENTITY:
        return (
            "share of pairs of different real images whose features are farther apart than those "
            "of the image and its source; 1 is the same image"
        )
    if score.endswith(AGREEMENT):
        return f"how far the image bears out its `{score.removesuffix(AGREEMENT)}`, 0 to 1"
    return "a score"


PIXEL_HASH = "XXH3-64"
"""What ``pixel_hash`` is, of a row's pixels as ``uint8 [H, W, C]``. It is part of a dataset's
settings: hashes of two kinds tell nothing of each other."""


RESERVED = frozenset(MEANINGS) | {
    "image", "label", "source", "domain", "seed", "shard", "candidate", "generator_class",
    "pixel_hash", "reason", "finite", "soft_label",
}  # fmt: skip
"""Names that no score of another package may have."""


def pixel_hash_of(settings: Mapping[str, Any]) -> str:
    """The name of the hash in a dataset's column ``pixel_hash``.

    Datasets of the first version do not name it in their settings: theirs is BLAKE2b.
    """
    return str(settings.get("pixel_hash", "BLAKE2b-64"))
