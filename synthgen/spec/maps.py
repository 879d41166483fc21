"""Fields of places: masks, keypoints, voxels and views; see ``spec/fields.py``."""

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


@dataclass(frozen=True)
class Voxels:
    """A solid: ``uint8 [S, S, S]`` of 0 and 1 (depth, row, column); to networks one channel of
    -1 and 1."""

    side: int
    kind: ClassVar[str] = "voxels"
    enters: ClassVar[Enters] = "volume"

    @property
    def entering(self) -> int:
        return 1

    def stored(self) -> Stored:
        return "uint8", (self.side,) * 3

    def read(self, value: Any) -> np.ndarray:
        """From an array of so many yes and no, or their bits packed into bytes."""
        import numpy as np

        shape = (self.side,) * 3
        if isinstance(value, bytes):
            bits = np.unpackbits(np.frombuffer(value, dtype=np.uint8))
            if not self.side**3 <= bits.size < self.side**3 + 8:
                raise ValueError(f"{len(value)} bytes for {self.side} x {self.side} x {self.side}")
            return bits[: self.side**3].reshape(shape)
        array = np.asarray(value)
        if array.size != self.side**3:
            raise ValueError(f"{array.size} values for {self.side} x {self.side} x {self.side}")
        return (array.reshape(shape) > 0).astype(np.uint8)

    def tensor(self, rows: Tensor) -> Tensor:
        return rows[:, None].float() * 2 - 1

    def rows(self, made: Tensor) -> tuple[Tensor, Tensor]:
        return (made[:, 0] > 0).byte(), made.flatten(1).isfinite().all(dim=1)

    def mirrored(self, rows: Tensor) -> Tensor:
        return rows.flip(3)

    def framed(self, rows: Tensor, windows: Windows) -> Tensor:
        """A solid stays where it is: windows are of pictures."""
        return rows

    def to_json(self) -> dict[str, Any]:
        return {"side": self.side}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Voxels:
        return cls(whole(record["side"], 1, 256))


@dataclass(frozen=True)
class Views:
    """Pictures of one thing from ``count`` sides, a full turn in even steps from the front:
    ``uint8 [V, H, W, C]``; to networks V * C channels in [-1, 1]."""

    count: int
    height: int
    width: int
    channels: int
    kind: ClassVar[str] = "views"
    enters: ClassVar[Enters] = "map"

    @property
    def entering(self) -> int:
        return self.count * self.channels

    def stored(self) -> Stored:
        return "uint8", (self.count, self.height, self.width, self.channels)

    def read(self, value: Any) -> np.ndarray:
        """From as many Pillow images or arrays as there are views."""
        import numpy as np

        from synthgen.spec.fields import Image

        given = list(value)
        if len(given) != self.count:
            raise ValueError(f"{len(given)} views, not {self.count}")
        single = Image(self.height, self.width, self.channels)
        return np.stack([single.read(item) for item in given])

    def tensor(self, rows: Tensor) -> Tensor:
        return rows.permute(0, 1, 4, 2, 3).flatten(1, 2).float().div(127.5).sub(1.0)

    def rows(self, made: Tensor) -> tuple[Tensor, Tensor]:
        parts = made.reshape(len(made), self.count, self.channels, self.height, self.width)
        parts = parts.permute(0, 1, 3, 4, 2)
        levels = parts.float().add(1).mul(127.5).nan_to_num(0).round().clamp(0, 255).byte()
        return levels, made.flatten(1).isfinite().all(dim=1)

    def mirrored(self, rows: Tensor) -> Tensor:
        """Seen in a mirror, a turn to the left is one to the right."""
        return rows[:, [-view % self.count for view in range(self.count)]].flip(3)

    def framed(self, rows: Tensor, windows: Windows) -> Tensor:
        """A view shows all there is: it stays as it is."""
        return rows

    def to_json(self) -> dict[str, Any]:
        keys = ("count", "height", "width", "channels")
        return {key: getattr(self, key) for key in keys}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Views:
        height, width = (whole(record[key], 1, 1024) for key in ("height", "width"))
        return cls(whole(record["count"], 1, 256), height, width, whole(record["channels"], 1, 3))
