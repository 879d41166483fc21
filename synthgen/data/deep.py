"""The values of images with more than eight bits a channel, as exactly as the file has them.

Pillow keeps two bytes of a grey value only. Of colours and of grey with transparency it takes the
upper byte; the lower one comes from a second look at the file with the order of bytes turned.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL.ImageFile import ImageFile

PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
"""A TIFF tag, and its value where 0 is white."""

ALPHA_MAX = 65535.0

GREY_AND_ALPHA = "LA;16B"
"""Grey with transparency in a PNG of 16 bits, which Pillow opens as RGBA."""


class NotExact(Exception):
    """Deep pixels that cannot be had exactly."""


@dataclass(frozen=True)
class Deep:
    """Values of one image, not scaled yet."""

    values: np.ndarray
    """``[H, W]`` or ``[H, W, 3]``, whole or floating-point numbers."""
    opacity: np.ndarray | None
    """``float64 [H, W]`` in [0, 1], or ``None`` where all is opaque."""
    white_is_zero: bool


def is_deep(image: ImageFile) -> bool:
    """Whether a channel of the file has more than eight bits, by its header."""
    return image.mode[0] in "IF" or ";16" in rawmode_of(image)


def deep_of(image: ImageFile, again: ImageFile) -> Deep:
    """The values of a deep image. ``again`` is the same file opened anew.

    Raises:
        NotExact: its layout is one that Pillow brings to eight bits in a way of its own.
        OSError: and others of Pillow's: the file is damaged.
    """
    info, white_is_zero = image.info, _white_is_zero(image)
    if image.mode[0] in "IF":
        values = np.asarray(image)
        key = info.get("transparency")
        opacity = (values != key).astype(np.float64) if isinstance(key, int) else None
        return Deep(values, opacity, white_is_zero)
    if rawmode_of(image) == GREY_AND_ALPHA:
        both = _two_bytes_as_rgba(image)  # [H, W, 4]: grey's two bytes, alpha's two
        return Deep(both[..., 0] * 256 + both[..., 1],
                    (both[..., 2] * 256 + both[..., 3]) / ALPHA_MAX, False)  # fmt: skip
    if image.mode not in ("RGB", "RGBA"):
        raise NotExact(f"has 16 bits a channel in the mode {image.mode}")
    turned = rawmode_of(image)[:-1] + _other_order(rawmode_of(image)[-1])
    _set_rawmode(again, turned)
    whole = np.asarray(image).astype(np.int64) * 256 + np.asarray(again)
    opacity = whole[..., 3] / ALPHA_MAX if image.mode == "RGBA" else None
    key = info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple):
        opacity = (whole != np.asarray(key)).any(axis=2).astype(np.float64)
    return Deep(whole[..., :3], opacity, white_is_zero)


def _white_is_zero(image: ImageFile) -> bool:
    tags: Any = getattr(image, "tag_v2", {})
    return bool(tags.get(PHOTOMETRIC) == WHITE_IS_ZERO)


def rawmode_of(image: ImageFile) -> str:
    """How the file's bytes lie, in Pillow's words; empty where it does not say."""
    if not image.tile:
        return ""
    args = image.tile[0].args
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _set_rawmode(image: ImageFile, rawmode: str) -> None:
    def changed(args: Any) -> Any:
        return (rawmode, *args[1:]) if isinstance(args, tuple) else rawmode

    image.tile = [tile._replace(args=changed(tile.args)) for tile in image.tile]


def _other_order(order: str) -> str:
    if order not in "BLN":
        raise NotExact(f"has 16 bits a channel in the order {order}")
    own = "L" if sys.byteorder == "little" else "B"
    return "B" if (own if order == "N" else order) == "L" else "L"


def _two_bytes_as_rgba(image: ImageFile) -> np.ndarray:
    """Four bytes a pixel as they lie in the file: ``int64 [H, W, 4]``."""
    _set_rawmode(image, "RGBA")
    image._mode = "RGBA"
    return np.asarray(image).astype(np.int64)
