"""A digest of what a function is given: arrays by their bytes, the rest by how it shows itself."""

import hashlib
from collections.abc import Iterable

import numpy as np

from synthgen.data.splits import Labelled


def digest_of(values: Iterable[object]) -> str:
    found = hashlib.sha256()
    for value in values:
        if isinstance(value, Labelled):
            value = (value.images, value.labels)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, np.ndarray):
                found.update(f"{each.shape} {each.dtype}".encode())
                found.update(
                    str(each.tolist()).encode() if each.dtype == object else each.tobytes()
                )
            else:
                found.update(repr(each).encode())
    return found.hexdigest()
