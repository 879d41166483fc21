"""What storage asks of a kind of field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import datasets

Encode = Callable[[np.ndarray], list[bytes]]
"""Images ``uint8 [N, H, W, C]`` to files, in the dataset's format."""


class Codec(Protocol):
    """Stored rows of one field (:meth:`synthgen.spec.fields.Field.stored`) to cells and back."""

    def feature(self) -> Any:
        """The feature of the column, as ``datasets`` names it."""

    def encode(self, rows: np.ndarray, encode: Encode) -> list[Any]:
        """A cell for each row, as pyarrow takes them for the feature's type."""

    def decode(self, cells: Sequence[Any]) -> np.ndarray:
        """Stored rows of the cells.

        Raises:
            ValueError: a cell holds none.
        """

    def check(self, cell: Any) -> str | None:
        """What is wrong with a cell, for ``verify``; ``None`` if nothing is."""

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        """``uint8 [N, h, w, 3]``: the rows to look at, in sheets and reports."""


def faulty(codec: Codec, cell: Any) -> str | None:
    """A cell's fault, found by decoding it."""
    try:
        codec.decode([cell])
    except (ValueError, TypeError, KeyError) as error:
        return " ".join(str(error).split())[:120] or "cannot be decoded"
    return None


def image_feature() -> datasets.Image:
    """The feature of encoded images."""
    import datasets

    return datasets.Image()
