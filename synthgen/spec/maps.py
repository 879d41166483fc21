"""Fields of places: masks and keypoints; see ``spec/fields.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from synthgen.spec.fields import Enters, Named, Stored, names_of, plane, whole
from synthgen.spec.frames import Windows, framed_masks, framed_points

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class Mask(Named):
    """A map of named classes: ``uint8 [H, W]`` of indices; to networks one channel a class."""

    height: int
    width: int
    kind: ClassVar[str] = "mask"
    enters: ClassVar[Enters] = "map"

    def stored(self) -> Stored:
        return "uint8", (self.height, self.width)

    def read(self, value: Any) -> np.ndarray:
        """From a Pillow image or an array ``uint8 [h, w]`` of indices: resized by the nearest
        value, for the mean of two classes is a third."""
        import numpy as np
        from PIL import Image as Pillow
        from PIL import ImageOps

        if isinstance(value, Pillow.Image):
            picture = value if value.mode in ("L", "P") else value.convert("L")
            value = np.asarray(picture)
        picture = Pillow.fromarray(plane(value))
        size = (self.width, self.height)
        if picture.size != size:
            picture = ImageOps.fit(picture, size, Pillow.Resampling.NEAREST)
        row = np.asarray(picture, dtype=np.uint8)
        if row.max(initial=0) >= len(self.names):
            raise ValueError(f"value {row.max()} in a mask of {len(self.names)} classes")
        return row

    def tensor(self, rows: Tensor) -> Tensor:
        from torch.nn.functional import one_hot

        return one_hot(rows.long(), len(self.names)).permute(0, 3, 1, 2).float()

    def rows(self, made: Tensor) -> tuple[Tensor, Tensor]:
        return made.argmax(dim=1).byte(), made.flatten(1).isfinite().all(dim=1)

    def mirrored(self, rows: Tensor) -> Tensor:
        return rows.flip(2)

    def framed(self, rows: Tensor, windows: Windows) -> Tensor:
        return framed_masks(rows, windows)

    def to_json(self) -> dict[str, Any]:
        return {"names": list(self.names), "height": self.height, "width": self.width}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Mask:
        names = names_of(record["names"])
        if len(names) > 256:
            raise ValueError("a mask has at most 256 classes")
        return cls(names, whole(record["height"], 1, 1024), whole(record["width"], 1, 1024))


@dataclass(frozen=True)
class Keypoints(Named):
    """Named places in an image: ``float32 [J, 3]`` of x, y in pixels and whether it is seen (1).

    Pixel (0, 0) has its centre at 0, 0. To networks a channel a joint, a bump of a twentieth of
    the image's side around its place; joints that are not seen have none.
    """

    height: int
    width: int
    skeleton: tuple[tuple[int, int], ...] = ()
    """Pairs of joints between which a limb is drawn."""
    pairs: tuple[tuple[int, int], ...] = ()
    """Left joint and right joint: they change names in the mirror."""
    kind: ClassVar[str] = "keypoints"
    enters: ClassVar[Enters] = "map"

    def stored(self) -> Stored:
        return "float32", (len(self.names), 3)

    def read(self, value: Any) -> np.ndarray:
        """From ``[J, 3]`` or ``[J, 2]`` numbers, or so many in one list, in pixels of the image."""
        import numpy as np

        joints = len(self.names)
        flat = np.asarray(value, dtype=np.float32).reshape(-1)
        if flat.size not in (2 * joints, 3 * joints):
            raise ValueError(f"{flat.size} numbers for {joints} keypoints of 2 or 3")
        row = flat.reshape(joints, -1)
        if row.shape[1] == 2:
            row = np.concatenate([row, np.ones((joints, 1), np.float32)], axis=1)
        row = np.where(np.isfinite(row).all(axis=1, keepdims=True), row, 0)
        row[:, 2] = row[:, 2] > 0
        return row.astype(np.float32)

    @property
    def radius(self) -> float:
        """Standard deviation of a bump, in pixels."""
        return max(self.height, self.width) / 20

    def tensor(self, rows: Tensor) -> Tensor:
        import torch

        down = torch.arange(self.height, device=rows.device)[:, None] - rows[:, :, 1, None, None]
        right = torch.arange(self.width, device=rows.device)[None] - rows[:, :, 0, None, None]
        bump = torch.exp(-(down.square() + right.square()) / (2 * self.radius**2))
        return bump * (rows[:, :, 2, None, None] > 0)

    def rows(self, made: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        best, place = made.flatten(2).float().max(dim=2)
        found = [place % self.width, place // self.width, best > 0.3]
        return torch.stack(found, dim=2).float(), made.flatten(1).isfinite().all(dim=1)

    def mirrored(self, rows: Tensor) -> Tensor:
        order = list(range(len(self.names)))
        for left, right in self.pairs:
            order[left], order[right] = right, left
        turned = rows[:, order].clone()
        turned[:, :, 0] = self.width - 1 - turned[:, :, 0]
        return turned

    def framed(self, rows: Tensor, windows: Windows) -> Tensor:
        return framed_points(rows, windows, self.height, self.width)

    def to_json(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "height": self.height,
            "width": self.width,
            "skeleton": [list(limb) for limb in self.skeleton],
            "pairs": [list(pair) for pair in self.pairs],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Keypoints:
        names = names_of(record["names"])

        def joints(key: str) -> tuple[tuple[int, int], ...]:
            last = len(names) - 1
            return tuple((whole(a, 0, last), whole(b, 0, last)) for a, b in record.get(key, ()))

        height, width = (whole(record[key], 1, 1024) for key in ("height", "width"))
        return cls(names, height, width, joints("skeleton"), joints("pairs"))
