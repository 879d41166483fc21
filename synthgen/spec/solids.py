"""Fields of solids: their voxels, and views of them from several sides; see ``spec/fields.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Enters, Image, Stored, whole
from synthgen.spec.frames import Windows

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class Voxels:
    """A solid: ``uint8 [S, S, S]`` of 0 and 1 (depth, row, column); to networks one channel of
    -1 and 1.

    The depth grows away from who looks from the front, the row downwards.
    """

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
            found = " x ".join(map(str, array.shape)) if array.ndim == 3 else f"{array.size} values"
            raise ValueError(
                f"a grid of {found}, not {self}: bring all solids to grids of one side"
            )
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

    def __str__(self) -> str:
        return " x ".join([str(self.side)] * 3)

    def to_json(self) -> dict[str, Any]:
        return {"side": self.side}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Voxels:
        return cls(whole(record["side"], 1, 256))


@dataclass(frozen=True)
class Views:
    """Pictures of one thing from ``count`` sides: ``uint8 [V, H, W, C]``; to networks V * C
    channels in [-1, 1]."""

    count: int
    height: int
    width: int
    channels: int
    angles: tuple[float, ...] = ()
    """In degrees about the upright axis, 0 is the front; where none are told, a full turn in even
    steps from there."""
    kind: ClassVar[str] = "views"
    enters: ClassVar[Enters] = "map"

    @property
    def entering(self) -> int:
        return self.count * self.channels

    @property
    def turns(self) -> tuple[float, ...]:
        """The angle of each view, in degrees."""
        return self.angles or tuple(360.0 * view / self.count for view in range(self.count))

    def __str__(self) -> str:
        return f"{self.count} of {self.width}x{self.height}"

    def stored(self) -> Stored:
        return "uint8", (self.count, self.height, self.width, self.channels)

    def read(self, value: Any) -> np.ndarray:
        """From as many Pillow images or arrays as there are views."""
        import numpy as np

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
        """Seen in a mirror, a turn to the left is one to the right.

        Raises:
            SynthgenError: a view has no counterpart.
        """
        turns = [angle % 360 for angle in self.turns]
        others = [-angle % 360 for angle in turns]
        if set(turns) != set(others):
            told = ", ".join(f"{angle:g}" for angle in turns)
            raise SynthgenError(
                f"views from {told} degrees are not those of the mirror image: leave out --flip"
            )
        return rows[:, [turns.index(angle) for angle in others]].flip(3)

    def framed(self, rows: Tensor, windows: Windows) -> Tensor:
        """A view shows all there is: it stays as it is."""
        return rows

    def to_json(self) -> dict[str, Any]:
        keys = ("count", "height", "width", "channels")
        record = {key: getattr(self, key) for key in keys}
        return {**record, "angles": list(self.angles)} if self.angles else record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Views:
        height, width = (whole(record[key], 1, 1024) for key in ("height", "width"))
        count, channels = whole(record["count"], 1, 256), whole(record["channels"], 1, 3)
        angles = tuple(float(angle) for angle in record.get("angles", ()))
        if angles and len(angles) != count:
            raise ValueError(f"{len(angles)} angles for {count} views")
        return cls(count, height, width, channels, angles)
