"""Two sets of images without pairs: where each lies, and whether both have the same classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.data.records import open_rows
from synthgen.data.unpaired import two_folders
from synthgen.spec.errors import name_list
from synthgen.spec.settings.train import TrainSettings
from synthgen.spec.task import ALL
from synthgen.storage.place import place

UNEVEN = 0.1
"""Difference of a class' shares of two sets from which on labels are in danger."""


@dataclass(frozen=True)
class TwoSets:
    """Settings that read each of two sets of images."""

    made: TrainSettings
    """Of images like those that are made."""
    source: TrainSettings
    """Of those that they are made from."""
    kinds: tuple[str, str]
    """What the source's images and the others show."""
    text: str
    """How it was understood, for a terminal; empty where the user said so."""

    @property
    def labelled(self) -> bool:
        """Whether each class of the images that are made is one of the source's."""
        own, other = open_rows(self.made).classes, open_rows(self.source).classes
        wanted = self.made.classes or own
        return wanted != (ALL,) and set(wanted) <= set(other)

    def lines(self) -> list[str]:
        """How the sets were understood, for a terminal."""
        own, other = (open_rows(each).classes for each in (self.made, self.source))
        unequal = own != other and (ALL,) not in (own, other) and not self.labelled
        told = [
            f"no labels are used: classes of the source are {name_list(other, 6)}, of the images "
            f"that are made {name_list(own, 6)}"
        ] if unequal else []  # fmt: skip
        return [*([self.text] if self.text else []), *told]


def two_sets(settings: TrainSettings) -> TwoSets | None:
    """The two sets that a use's data are: a source that is named, or two folders without a file
    name in common. ``None`` for anything else.

    Raises:
        SynthgenError: two folders, and the settings name neither.
    """
    plain: dict[str, Any] = {"use": None, "source": None, "source_domain": None, "field": {}}
    if settings.source is not None or settings.source_domain is not None:
        source = {
            "data": settings.source or settings.data,
            "domain": settings.source_domain,
            "domain_column": settings.domain_column if settings.source_domain else None,
        }
        names = (
            settings.source_domain or _name(settings.source or ""),
            (settings.domain or _name(settings.data)),
        )
        shows = names if names[0] != names[1] else (f"{names[0]} (source)", names[1])
        made = settings.model_copy(update=plain)
        return TwoSets(made, settings.model_copy(update={**plain, **source}), shows, "")
    found = two_folders(settings)
    if found is None or found.paired:
        return None
    made, source_of = (
        settings.model_copy(update={**plain, "data": where, "image_column": None})
        for where in found.places
    )
    return TwoSets(made, source_of, (found.source, found.made), found.text)


def uneven(classes: Sequence[str], made: np.ndarray, source: np.ndarray) -> str | None:
    """What to say of two sets of labels ``int64`` whose classes have unequal shares, for a
    discriminator then rewards turning one class into another; ``None`` where they are alike."""
    shares = [np.bincount(x, minlength=len(classes)) / max(1, len(x)) for x in (made, source)]
    gaps = np.abs(shares[0] - shares[1])
    worst = int(gaps.argmax())
    if gaps[worst] <= UNEVEN:
        return None
    return (
        f"class '{classes[worst]}' is {shares[1][worst]:.0%} of the source's images and "
        f"{shares[0][worst]:.0%} of those like the ones that are made: translations will show "
        "other classes than their rows say; make the shares alike (--limit-per-class)"
    )


def _name(data: str) -> str:
    found = place(data.rstrip("/"))
    return found.resolve().name
