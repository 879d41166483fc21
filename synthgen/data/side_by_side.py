"""Two images beside each other in one file, as pix2pix has its pairs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from synthgen.data.decode import BROKEN, BadImage, open_image
from synthgen.data.listing import list_folder
from synthgen.data.pairs import SOURCE, chosen_split
from synthgen.data.understood import FLAT_CLASS, Column, Understood
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings

HALVES = ("left", "right")


class SideBySide:
    """Rows that are one file each: two images of one size beside each other."""

    def __init__(self, root: Path, settings: DataSettings) -> None:
        """All images below ``root``, of the split that is wanted where it holds splits.

        Raises:
            SynthgenError: there are none, or the settings name no half.
        """
        listing = list_folder(root)
        inside, split, splits = chosen_split(listing.root, settings)
        half = settings.image_column or "right"
        if half not in HALVES:
            raise SynthgenError(
                f"{root}: --image-column says which half is to be made, left or right, not '{half}'"
            )
        self.name = root.resolve().name
        self._root, self._files = root, listing.files
        self._parts = list(inside.below("picture"))
        if not self._parts:
            raise SynthgenError(f"{root}: holds no images")
        self._half = half
        self._max_pixels = settings.max_pixels
        self.classes: tuple[str, ...] = (FLAT_CLASS,)
        self.labels = np.zeros(len(self._parts), dtype=np.int64)
        other = HALVES[1 - HALVES.index(half)]
        text = (
            f"{len(self._parts):,} files with a pair each: images are the {half} half, '{SOURCE}' "
            f"the {other} one (--image-column {other} for the other way round)"
        )
        self.understood = Understood(
            "side-by-side", text, split, splits, (Column(SOURCE, "image"),)
        )

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes | BadImage, str]]:
        """The image's half as PNG bytes, or why there is none, and where it came from."""
        for row in rows:
            try:
                yield self._cut(row, self._half), self.where(row)
            except BadImage as error:
                yield error, self.where(row)

    def values(self, column: str, rows: Sequence[int]) -> list[Any]:
        """The other halves, as PNG bytes.

        Raises:
            SynthgenError: there is no such column, or a file cannot be read.
        """
        if column != SOURCE:
            raise SynthgenError(f"{self.name}: no column '{column}'")
        other, found = HALVES[1 - HALVES.index(self._half)], []
        for row in rows:
            try:
                found.append(self._cut(row, other))
            except BadImage as error:
                raise SynthgenError(f"{self.where(row)}: {error}") from None
        return found

    def _cut(self, row: int, half: str) -> bytes:
        encoded = self._files.read(self._parts[row])
        if isinstance(encoded, BadImage):
            raise encoded
        picture: Pillow.Image = open_image(encoded, self._max_pixels)
        if picture.width % 2:
            raise BadImage(f"is {picture.width} px wide: two images of one size have an even width")
        middle = picture.width // 2
        box = (0, 0, middle, picture.height) if half == "left" else (
            middle, 0, picture.width, picture.height)  # fmt: skip
        try:
            file = io.BytesIO()
            picture.crop(box).save(file, "PNG", compress_level=1)
        except BROKEN as error:
            raise BadImage(" ".join(str(error).split()) or "cannot be decoded") from None
        return file.getvalue()

    def where(self, row: int) -> str:
        """Where a row came from."""
        return self._files.where(self._parts[row])

    def quick_key(self) -> str | None:
        """Text that changes when the contents may have changed, without reading them."""
        stamps = [f"{'/'.join(parts)}|{self._files.stamp(parts)}" for parts in self._parts]
        return json.dumps([str(self._root.resolve()), self._half, *stamps])
