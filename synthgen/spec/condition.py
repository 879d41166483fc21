"""What a generator is conditioned on. The first kind: one class label per image."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.image import ImageSpec


@dataclass(frozen=True)
class ClassCondition:
    """A ``datasets.ClassLabel``: index k means ``names[k]``."""

    names: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.names)

    def indices(self, wanted: Sequence[str], owner: str) -> tuple[int, ...]:
        """Indices of class names; ``owner`` names who knows the classes in the error line.

        Composed and decomposed accents are the same name.

        Raises:
            SynthgenError: a name is unknown or given twice.
        """
        places = {_composed(name): index for index, name in enumerate(self.names)}
        places.update({name: index for index, name in enumerate(self.names)})
        found: list[int] = []
        for name in wanted:
            place = places.get(name, places.get(_composed(name)))
            if place is None:
                known = name_list(self.names)
                hint = did_you_mean(name, self.names)
                raise SynthgenError(f"class '{name}' is not in {owner} ({known}){hint}")
            if place in found:
                raise SynthgenError(f"class '{name}' is asked for twice; name each class once")
            found.append(place)
        return tuple(found)


def _composed(name: str) -> str:
    """The name as a keyboard types it: letter and accent as one character."""
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True)
class ClassConditional:
    """The task an algorithm is built for: images of one size, each with one class label.

    ``domains`` names the source's and the target's kind of image for algorithms that have two; the
    others have none.
    """

    image: ImageSpec
    condition: ClassCondition
    domains: tuple[str, ...] = ()
