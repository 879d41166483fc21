"""Classes that are asked for, as a generator's indices."""

from __future__ import annotations

from collections.abc import Sequence

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
        elif 0 <= int(label) < known.count:
            indices.append(int(label))
        else:
            raise SynthgenError(f"class {label} is not in {owner}: it has 0 to {known.count - 1}")
    return np.asarray(indices, dtype=np.int64)
