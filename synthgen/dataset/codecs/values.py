"""Labels, attributes, text, keypoints and voxels: cells that are no image files."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from synthgen.dataset.codecs.codec import Encode, faulty
from synthgen.spec.fields import Label
from synthgen.spec.maps import Keypoints
from synthgen.spec.projection import pictures
from synthgen.spec.solids import Voxels
from synthgen.spec.texts import Text
from synthgen.spec.vectors import Attributes

CARD = (64, 96)
"""Height and width in pixels of a picture of words."""
LINE = 15
"""Letters of a line of it."""


def written(lines: Sequence[str]) -> np.ndarray:
    """A picture ``uint8 [h, w, 3]`` of a few words, one line each."""
    card = Pillow.new("RGB", CARD[::-1], "white")
    ImageDraw.Draw(card).multiline_text((2, 2), "\n".join(lines)[:200], fill="black")
    return np.asarray(card)


class LabelCodec:
    """A ``ClassLabel``."""

    def __init__(self, field: Label) -> None:
        self._names = field.names

    def feature(self) -> Any:
        import datasets

        return datasets.ClassLabel(names=list(self._names))

    def encode(self, rows: np.ndarray, _: Encode) -> list[Any]:
        return list(rows.tolist())

    def decode(self, cells: Sequence[Any]) -> np.ndarray:
        rows = np.asarray(cells, dtype=np.int64)
        if not ((rows >= 0) & (rows < len(self._names))).all():
            raise ValueError(f"a label is outside 0 to {len(self._names) - 1}")
        return rows

    def check(self, cell: Any) -> str | None:
        return faulty(self, cell)

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([written([self._names[row]]) for row in rows])


class AttributesCodec:
    """A struct of one float a name, or of one class label where a name has choices; empty where it
    is not known."""

    def __init__(self, field: Attributes) -> None:
        self._field, self._names = field, field.names

    def feature(self) -> Any:
        import datasets

        choices = self._field.choices
        return {
            name: datasets.ClassLabel(names=list(choices[name])) if name in choices
            else datasets.Value("float32") for name in self._names
        }  # fmt: skip

    def encode(self, rows: np.ndarray, _: Encode) -> list[Any]:
        types = {name: int if name in self._field.choices else float for name in self._names}
        return [
            {n: None if np.isnan(v) else types[n](v) for n, v in zip(self._names, row, strict=True)}
            for row in rows
        ]

    def decode(self, cells: Sequence[Any]) -> np.ndarray:
        values = [[np.nan if cell[n] is None else cell[n] for n in self._names] for cell in cells]
        rows = np.asarray(values, dtype=np.float32)
        for place, name in enumerate(self._names):
            own = rows[:, place][~np.isnan(rows[:, place])]
            known = self._field.choices.get(name)
            if known is not None and not np.isin(own, np.arange(len(known))).all():
                raise ValueError(f"{name} is none of its {len(known)} choices")
        return rows

    def check(self, cell: Any) -> str | None:
        return faulty(self, cell)

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([written(self._words(row)) for row in rows])

    def _words(self, row: np.ndarray) -> list[str]:
        told = []
        for name, value in zip(self._names, row.tolist(), strict=True):
            words = self._field.words(name)
            if not np.isnan(value):
                told.append(f"{name}: {words[int(value)] if words else f'{value:g}'}")
        return told


class TextCodec:
    """A string: a row of a dataset has one caption, however many a row of the data has."""

    def __init__(self, field: Text) -> None:
        self._field = field.single

    def feature(self) -> Any:
        import datasets

        return datasets.Value("string")

    def encode(self, rows: np.ndarray, _: Encode) -> list[Any]:
        return [self._field.text(row) for row in rows]

    def decode(self, cells: Sequence[Any]) -> np.ndarray:
        return np.stack([self._field.read(cell) for cell in cells])

    def check(self, cell: Any) -> str | None:
        return faulty(self, cell)

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([written(wrap(self._field.text(row), LINE)) for row in rows])


class NumbersCodec:
    """Rows of float32 numbers as a flat list: keypoints, and what other packages store so."""

    def __init__(self, field: Any) -> None:
        self._shape: tuple[int, ...] = field.stored()[1]

    def feature(self) -> Any:
        import datasets

        return datasets.Sequence(datasets.Value("float32"), length=int(np.prod(self._shape)))

    def encode(self, rows: np.ndarray, _: Encode) -> list[Any]:
        return [row.reshape(-1).astype(np.float32).tolist() for row in rows]

    def decode(self, cells: Sequence[Any]) -> np.ndarray:
        rows = np.asarray(cells, dtype=np.float32)
        if rows.shape != (len(cells), int(np.prod(self._shape))):
            raise ValueError(f"{rows.shape[1:]} numbers, not {self._shape}")
        return rows.reshape(len(cells), *self._shape)

    def check(self, cell: Any) -> str | None:
        return faulty(self, cell)

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([written([f"{value:.3g}" for value in row.flat[:5]]) for row in rows])


class KeypointsCodec(NumbersCodec):
    """x, y and whether it is seen, joint after joint."""

    def __init__(self, field: Keypoints) -> None:
        super().__init__(field)
        self._field = field

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        """A stick figure."""
        drawn = []
        for row in rows:
            sheet = Pillow.new("RGB", (self._field.width, self._field.height), "black")
            pen = ImageDraw.Draw(sheet)
            for a, b in self._field.skeleton:
                if row[a, 2] and row[b, 2]:
                    pen.line([*row[a, :2].tolist(), *row[b, :2].tolist()], fill="white")
            for x, y, _ in row[row[:, 2] > 0].tolist():
                pen.ellipse([x - 1, y - 1, x + 1, y + 1], fill="red")
            drawn.append(np.asarray(sheet))
        return np.stack(drawn)


class VoxelsCodec:
    """Eight yes and no to a byte."""

    def __init__(self, field: Voxels) -> None:
        self._field = field

    def feature(self) -> Any:
        import datasets

        return datasets.Value("binary")

    def encode(self, rows: np.ndarray, _: Encode) -> list[Any]:
        return [np.packbits(row).tobytes() for row in rows]

    def decode(self, cells: Sequence[Any]) -> np.ndarray:
        return np.stack([self._field.read(bytes(cell)) for cell in cells])

    def check(self, cell: Any) -> str | None:
        return faulty(self, cell)

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        """Turned about the upright axis to four sides, nearer parts lighter."""
        import torch

        size = 2 * self._field.side
        return pictures(torch.from_numpy(rows), size, size, 3).numpy()
