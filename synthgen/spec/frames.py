"""Windows of rows: the part of an image that is shown, brought to the image's own size again.

One window moves, crops, pads and scales everything that a row has a place for, together: pictures
between pixels, masks by the nearest one, keypoints as the points they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Windows:
    """A window for each row, in shares of the image's sides: ``float32 [N]`` each.

    ``top`` and ``left`` of 0 with ``height`` and ``width`` of 1 show the image as it is; a window
    may reach beyond it, where black, a mask's first class, comes in.
    """

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor

    def places(self, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """Where in an image of so many rows and columns each pixel of the window lies, in pixels
        from the first one's centre: ``float32 [N, rows]`` and ``[N, columns]``."""
        return (
            _places(self.top, self.height, rows),
            _places(self.left, self.width, columns),
        )


def _places(start: Tensor, span: Tensor, count: int) -> Tensor:
    import torch

    centres = (torch.arange(count, device=start.device) + 0.5) / count  # shares of the window
    return (start[:, None] + span[:, None] * centres[None]) * count - 0.5


def framed_pictures(pictures: Tensor, windows: Windows) -> Tensor:
    """``uint8 [N, H, W, C]`` through the windows: bilinear, to the nearest level."""
    import torch

    _, height, width, _ = pictures.shape
    down, right = windows.places(height, width)
    values = pictures.to(down.dtype)
    for axis, at in ((1, down), (2, right)):
        size = values.shape[axis]
        below = at.floor()
        share = (at - below).reshape((len(at), -1, 1, 1) if axis == 1 else (len(at), 1, -1, 1))
        low, high = (_taken(values, below + step, size, axis) for step in (0, 1))
        values = torch.lerp(low, high, share)
    return values.round().clamp(0, 255).byte()


def framed_masks(masks: Tensor, windows: Windows) -> Tensor:
    """``uint8 [N, H, W]`` through the windows: the value of the nearest pixel."""
    _, height, width = masks.shape
    down, right = windows.places(height, width)
    values = masks[..., None].to(down.dtype)
    values = _taken(values, (down + 0.5).floor(), height, 1)
    values = _taken(values, (right + 0.5).floor(), width, 2)
    return values[..., 0].byte()


def framed_points(points: Tensor, windows: Windows, height: int, width: int) -> Tensor:
    """Keypoints ``float32 [N, J, 3]`` through the windows; those left outside are not seen."""
    import torch

    right = ((points[..., 0] + 0.5) / width - windows.left[:, None]) / windows.width[:, None]
    down = ((points[..., 1] + 0.5) / height - windows.top[:, None]) / windows.height[:, None]
    inside = (right >= 0) & (right < 1) & (down >= 0) & (down < 1)
    seen = points[..., 2] * inside
    return torch.stack([right * width - 0.5, down * height - 0.5, seen], dim=2)


def _taken(values: Tensor, index: Tensor, size: int, axis: int) -> Tensor:
    """``values [N, H, W, C]`` at ``index [N, M]`` along an axis; nought outside."""
    import torch

    shape = (len(index), -1, 1, 1) if axis == 1 else (len(index), 1, -1, 1)
    inside = ((index >= 0) & (index < size)).reshape(shape)
    at = index.clamp(0, size - 1).long().reshape(shape)
    expanded = list(values.shape)
    expanded[axis] = index.shape[1]
    return torch.gather(values, axis, at.expand(expanded)) * inside
