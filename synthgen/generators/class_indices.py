"""Classes that are asked for, as a generator's indices."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Label


def class_indices(
    labels: Sequence[str] | Sequence[int], classes: tuple[str, ...], owner: str
) -> np.ndarray:
    """Indices ``int64 [N]`` of class names or indices; ``owner`` names who has the classes.

    Raises:
        SynthgenError: one of them is no class.
    """
    known, indices = Label(classes), []
    for label in labels:
        if isinstance(label, str):
            indices.append(known.indices([label], owner)[0])
            continue
        number = whole(label)
        if number is None:
            raise SynthgenError(f"class {label!r}: is no name and no whole number; {owner} has "
                                f"0 to {known.count - 1}")  # fmt: skip
        if 0 <= number < known.count:
            indices.append(number)
        else:
            raise SynthgenError(f"class {label} is not in {owner}: it has 0 to {known.count - 1}")
    return np.asarray(indices, dtype=np.int64)


def whole(value: Any) -> int | None:
    """A whole number as ``int``; ``None`` of whatever is none, ``1.5`` or ``True``."""
    try:
        return None if isinstance(value, bool | np.bool_) else index(value)
    except TypeError:
        return None
