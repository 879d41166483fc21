"""What a column of a table holds in the place of image files, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from synthgen.data.formats import unread_format
from synthgen.data.table_parts import Rows
from synthgen.spec.errors import SynthgenError, name_list

BASE64 = re.compile(r"(data:image/[\w.+-]+;base64,)?[A-Za-z0-9+/\s]{64,}={0,2}")
ADDRESS = re.compile(r"(https?|s3|gs|ftp)://", re.IGNORECASE)
SAVE = "save each image as the bytes of a PNG file (or as files in class folders)"
MANY = 16
"""From so many columns of numbers on they are taken for pixels."""


def image_column(rows: Rows, name: str) -> str:
    """The one column of image files.

    Raises:
        SynthgenError: there is none, or there are several.
    """
    kinds = rows.kinds
    found = [column for column, kind in kinds.items() if kind == "image"]
    if len(found) == 1:
        return found[0]
    for kind in () if found else ("voxels", "views"):  # of which pictures are made
        own = [column for column in kinds if kinds[column] == kind]
        if len(own) == 1:
            return own[0]
    have = f"several image columns ({name_list(found)})" if found else "no image column"
    if not found:
        told = [line for column in list(kinds)[:MANY] if (line := held_instead(rows, column))]
        numbers = [column for column, kind in kinds.items() if "number" in kind]
        if len(numbers) >= MANY:
            told = [f"{len(numbers)} columns of numbers look like pixels: {SAVE}"]
        if told:
            raise SynthgenError(f"{name}: has {have}: {'; '.join(told[:3])}")
    raise SynthgenError(f"{name}: has {have} among {name_list(kinds)}; name it with --image-column")


def held_instead(rows: Rows, column: str) -> str | None:
    """What a column that is no image column has that may be meant as images, and what to do;
    ``None`` if it has nothing of the kind."""
    if rows.kinds[column] in ("class label", "whole number", "number"):
        return None
    some = rows.picked(column, range(min(8, rows.count)))
    plain = (v.tolist() if isinstance(v, np.ndarray) else v for v in some)
    value = next((v for v in plain if v), None)
    if isinstance(value, dict):
        value = next((v for v in value.values() if isinstance(v, bytes | list) and v), None)
    what = _what(value)
    return None if what is None else f"column '{column}' holds {what}"


def _what(value: Any) -> str | None:
    if isinstance(value, bytes):
        if value.startswith(b"\x93NUMPY"):
            return f"NumPy arrays; {SAVE}"
        if value[:1] == b"\x80" and value[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
            return f"pickles, which are never opened, as they can run programs; {SAVE}"
        return unread_format(value) or f"bytes that are no image file; {SAVE}"
    if isinstance(value, str):
        if ADDRESS.match(value):
            return ("web addresses, which are not fetched; download the images first, for example "
                    "with img2dataset")  # fmt: skip
        if len(value) >= 64 and BASE64.fullmatch(value):
            return f"text in base64, which is not read; decode it with base64.b64decode, and {SAVE}"
        return None
    if isinstance(value, Sequence) and len(value) > 4 and isinstance(value[0], int | float | list):
        return f"lists of numbers (pixel values?), which are not read; {SAVE}"
    return None
