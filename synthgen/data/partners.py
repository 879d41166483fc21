"""Folders whose images have partners: another image, a mask, joints; whichever form they are in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.data.coco import open_coco
from synthgen.data.pairs import open_pairs
from synthgen.data.side_by_side import SideBySide
from synthgen.spec.settings.data import DataSettings

if TYPE_CHECKING:
    from synthgen.data.sources import Source

STRUCTURES = ("pairs", "side-by-side", "coco")


def open_partnered(folder: Path, settings: DataSettings) -> Source | None:
    """The source of such a folder, in the form that the settings name or that its names make plain;
    ``None`` if it has none. Two images in one file are never guessed.

    Raises:
        SynthgenError: it is not what the settings say, or partners are missing.
    """
    if settings.structure == "side-by-side":
        return SideBySide(folder, settings)
    return open_coco(folder, settings) or open_pairs(folder, settings)
