"""Images, masks and views: files of images in a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthgen.dataset.codecs.codec import Encode, faulty, image_feature
from synthgen.dataset.encoding.images import decode, encode
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask
from synthgen.spec.solids import Views


def cell_of(encoded: bytes) -> dict[str, Any]:
    """The cell that ``datasets.Image`` reads."""
    return {"bytes": encoded, "path": None}


def bytes_of(cell: Any) -> bytes:
    """The file in a cell."""
    return bytes((cell or {}).get("bytes") or b"")


class ImageCodec:
    """An encoded image, in the dataset's format."""

    def __init__(self, field: Image) -> None:
        self._spec = ImageSpec(field.height, field.width, field.channels)

    def feature(self) -> Any:
        return image_feature()

    def encode(self, rows: np.ndarray, encode: Encode) -> list[Any]:
        return [cell_of(file) for file in encode(rows)]

    def decode(self, cells: Sequence[Any]) -> np.ndarray:
        return np.stack([decode(bytes_of(cell), self._spec) for cell in cells])

    def check(self, cell: Any) -> str | None:
        return faulty(self, cell)

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        return np.broadcast_to(rows, (*rows.shape[:3], 3)).copy()


class MaskCodec:
    """A grey PNG whose values are the indices of the classes; lossless whatever the images are."""

    def __init__(self, field: Mask) -> None:
        self._names = field.names
        self._spec = ImageSpec(field.height, field.width, 1)

    def feature(self) -> Any:
        return image_feature()

    def encode(self, rows: np.ndarray, _: Encode) -> list[Any]:
        return [cell_of(file) for file in encode(rows[..., None], "png")]

    def decode(self, cells: Sequence[Any]) -> np.ndarray:
        rows = np.stack([decode(bytes_of(cell), self._spec)[:, :, 0] for cell in cells])
        if rows.max(initial=0) >= len(self._names):
            raise ValueError(f"value {rows.max()} in a mask of {len(self._names)} classes")
        return rows

    def check(self, cell: Any) -> str | None:
        return faulty(self, cell)

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        """Each class in a colour of its own, the first one black."""
        angles = 2 * np.pi * np.arange(len(self._names))[:, None] * 0.618 + np.array([0, 2.1, 4.2])
        colors = (127.5 * (1 + np.cos(angles))).astype(np.uint8)
        colors[0] = 0
        painted: np.ndarray = colors[rows]
        return painted


class ViewsCodec:
    """All views of a thing beside each other in one lossless image."""

    def __init__(self, field: Views) -> None:
        self._field = field
        self._spec = ImageSpec(field.height, field.width * field.count, field.channels)

    def feature(self) -> Any:
        return image_feature()

    def _strips(self, rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows[:, view] for view in range(self._field.count)], axis=2)

    def encode(self, rows: np.ndarray, _: Encode) -> list[Any]:
        return [cell_of(file) for file in encode(self._strips(rows), "png")]

    def decode(self, cells: Sequence[Any]) -> np.ndarray:
        strips = np.stack([decode(bytes_of(cell), self._spec) for cell in cells])
        return np.stack(np.split(strips, self._field.count, axis=2), axis=1)

    def check(self, cell: Any) -> str | None:
        return faulty(self, cell)

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        strips = self._strips(rows)
        return np.broadcast_to(strips, (*strips.shape[:3], 3)).copy()
