"""The two forms of an image batch and the only functions that go between them.

Inside the models a batch is ``float [N, C, H, W]`` in [-1, 1]; at the border (files, users, the
cache of real images) it is ``uint8 [N, H, W, C]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


IN_CACHE = 2**20
"""Values (four megabytes of float32) that stay in a processor's cache: work on the CPU goes by so
many. Fewer would fit a core's own, and cost more in calls than they save."""


@dataclass(frozen=True)
class ImageSpec:
    """Height and width in pixels; channels is 1 (grey) or 3 (RGB)."""

    height: int
    width: int
    channels: int

    @property
    def mode(self) -> str:
        """Pillow's name of the colour mode: ``"L"`` or ``"RGB"``."""
        return "L" if self.channels == 1 else "RGB"

    @property
    def color(self) -> str:
        """``"grey"`` or ``"RGB"``, for people; in small letters the setting of that name."""
        return "grey" if self.channels == 1 else "RGB"

    def as_settings(self) -> dict[str, Any]:
        """The settings by which other images are read in this size and colour mode."""
        return {"resolution": self.height, "color": self.color.lower()}

    def to_json(self) -> dict[str, int]:
        """Height, width and channels, which ``ImageSpec(**record)`` takes."""
        return {"height": self.height, "width": self.width, "channels": self.channels}

    def __str__(self) -> str:
        return f"{self.height}x{self.width} {self.color}"


def to_float(images: Tensor) -> Tensor:
    """``uint8 [N, H, W, C]`` to ``float32 [N, C, H, W]`` in [-1, 1]: 0 is -1 and 255 is 1,
    exactly."""
    return images.permute(0, 3, 1, 2).float().div(127.5).sub(1.0)


def to_uint8(images: Tensor) -> Tensor:
    """``float [N, C, H, W]`` in [-1, 1] to ``uint8 [N, H, W, C]``, nearest grey level, clamped.

    The inverse of :func:`to_float` on its image. Non-finite values become 0 (infinity: 255);
    :func:`quantise` tells of them.
    """
    return quantise(images)[0]


def quantise(images: Tensor) -> tuple[Tensor, Tensor]:
    """Images as :func:`to_uint8` gives them, and ``bool [N]``: whether all values are finite."""
    count = images.shape[0]
    together = max(1, IN_CACHE // max(1, images[:1].numel()))
    if images.device.type != "cpu" or count <= together:
        return _quantised(images)
    import torch

    # Passes over a large batch wait for memory; over a few images at a time they do not.
    parts = [_quantised(images[start : start + together]) for start in range(0, count, together)]
    return torch.cat([pixels for pixels, _ in parts]), torch.cat([finite for _, finite in parts])


def _quantised(images: Tensor) -> tuple[Tensor, Tensor]:
    levels = images.float().add(1.0).mul_(127.5)
    # A sum is finite where all its values are. (Channels-last images do not flatten but by a copy.)
    finite = levels.sum(dim=(1, 2, 3)).isfinite()
    # To ask a device would be to wait for it.
    if images.device.type != "cpu" or not finite.all():
        levels.nan_to_num_(0.0, 255.0, 0.0)
    # By way of 16 bits: from floats to bytes torch goes one by one.
    planes = levels.round_().clamp_(0, 255).short().byte()
    if images.device.type != "cpu" or planes.permute(0, 2, 3, 1).is_contiguous():
        return planes.permute(0, 2, 3, 1).contiguous(), finite
    import numpy as np
    import torch

    # torch turns the axes of single bytes slowly; numpy writes a channel at a time.
    count, channels, height, width = planes.shape
    pixels = np.empty((count, height, width, channels), dtype=np.uint8)
    for channel in range(channels):
        pixels[..., channel] = planes[:, channel].numpy()
    return torch.from_numpy(pixels), finite


def to_host(images: Tensor) -> np.ndarray:
    """The values as an array in the host's memory.

    A CPU tensor's own memory is shared; from a device they come by pinned pages.
    """
    if images.device.type == "cpu":
        own: np.ndarray = images.numpy()
        return own
    import torch

    pinned = torch.empty(images.shape, dtype=images.dtype, pin_memory=True)
    pinned.copy_(images, non_blocking=True)
    # Waits for this copy alone, not for what other threads have begun on the device since.
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record()
    copied.synchronize()
    host: np.ndarray = pinned.numpy()
    return host
