"""Groups of a table of utility: the values of a column, each within each class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.data.cache import ImageData
from synthgen.data.strata import open_strata
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings.data import DataSettings

if TYPE_CHECKING:
    from synthgen.stages.utility.real_images import RealImages

LABEL = "label"
MOST = 50
"""Values of a column that make groups; one with more is a number or a text."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Groups:
    """What a column says of real images."""

    column: str
    values: tuple[str, ...]
    """One empty text where the groups are the classes."""
    real: np.ndarray
    """``int64 [N]``, indices into ``values``, of the images that are learnt from."""
    test: np.ndarray
    """``int64 [M]``, of those that test."""

    @property
    def key(self) -> list[str]:
        """What decides a result by them."""
        digest = hashlib.sha256("\n".join(self.values).encode())
        digest.update(self.real.tobytes() + self.test.tobytes())
        return [self.column, digest.hexdigest()]

    def of_real(self, labels: np.ndarray) -> np.ndarray:
        """``int64 [N]``: a number for the class and value of each real image of these labels."""
        found: np.ndarray = labels * len(self.values) + self.real
        return found

    def accuracies(
        self, counts: np.ndarray, classes: Sequence[str]
    ) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """Names of the groups that have test images, and the accuracy on each, of confusion counts
        ``int64 [V, K, K]`` for each value."""
        totals = counts.sum(axis=2)
        found = [
            (f"{classes[k]}, {value}" if value else classes[k], counts[v, k, k] / totals[v, k])
            for k in range(len(classes))
            for v, value in enumerate(self.values)
            if totals[v, k]
        ]
        return tuple(name for name, _ in found), tuple(float(share) for _, share in found)


def groups_of(column: str, images: RealImages, learnt: str | None) -> Groups:
    """The groups that a column of the real images makes; ``learnt`` is the attribute that stands
    in the place of the label, if one does. Of the label itself, or of that, groups are classes.

    Raises:
        SynthgenError: there is no such column, or it has too many values.
    """
    own = {LABEL, learnt, images.asked[0].label_column}
    if column in own:
        nought = [np.zeros(len(data.labels), dtype=np.int64) for data in (images.real, images.test)]
        return Groups(column, ("",), *nought)
    parts = [
        _values(asked, data, column, images.beside)
        for asked, data in zip(images.asked, (images.real, images.test), strict=True)
    ]
    values = sorted(set(parts[0]) | set(parts[1]))
    if len(values) > MOST:
        raise SynthgenError(
            f"--group {column}: has {len(values):,} values, and groups need images; name a column "
            f"with at most {MOST}"
        )
    places = {value: place for place, value in enumerate(values)}
    real, test = (np.array([places[value] for value in part], dtype=np.int64) for part in parts)
    return Groups(column, tuple(values), real, test)


def _values(asked: DataSettings, data: ImageData, column: str, beside: bool) -> list[str]:
    _, source = open_strata(asked, beside=beside)
    known = {each.name: each for each in source.understood.columns}
    if column not in known:
        every = [LABEL, *known]
        raise SynthgenError(
            f"--group {column}: {source.name} has no such column (there are {name_list(every)})"
            f"{did_you_mean(column, every)}"
        )
    names = known[column].names
    cells = source.values(column, [int(row) for row in data.rows])
    return [_text(cell, names) for cell in cells]


def _text(cell: Any, names: Sequence[str]) -> str:
    if cell is None or cell == "":
        return UNKNOWN
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if names and isinstance(cell, int | np.integer) and 0 <= int(cell) < len(names):
        return names[int(cell)]
    return str(cell)
