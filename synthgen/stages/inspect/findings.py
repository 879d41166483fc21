"""What a look at images found: frozen records, and their text and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from synthgen.data.understood import Understood
from synthgen.spec.errors import on_one_line

WarningKind = Literal[
    "imbalance", "few images", "exact duplicates", "near duplicates", "same image, other class",
    "alike names", "alike classes", "enlarged", "mirror images", "skipped", "empty views",
]  # fmt: skip

MOST_CLASSES = 40
"""Classes that are listed in the text."""


@dataclass(frozen=True)
class Warned:
    """One thing that may be wrong with the images."""

    kind: WarningKind
    text: str
    count: int
    """How many images or classes it concerns."""


@dataclass(frozen=True)
class Sizes:
    """Of the image files, in pixels: (width, height)."""

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]


@dataclass(frozen=True)
class Inspection:
    """Everything that was found."""

    name: str
    understood: Understood
    classes: tuple[tuple[str, int], ...]
    """Name and number of images."""
    resolution: int
    channels: int
    sizes: Sizes
    modes: tuple[tuple[str, int], ...]
    """Pillow's name of each mode and how many files have it."""
    scaling: tuple[str, ...]
    skipped: tuple[str, ...]
    mirrored: float | None
    """How far mirrored images lie from the others of their class, as a share of how far unmirrored
    ones do: about 1 where mirroring is plausible. ``None`` where there are too few images."""
    columns: tuple[str, ...]
    """What the columns beside the images hold, where images have partners: a line each."""
    warnings: tuple[Warned, ...]
    written: str | None
    """Where the dataset was written."""

    def to_json(self) -> dict[str, Any]:
        """Plain values under names that stay."""
        return {"format": "synthgen-inspection", "version": 1, **asdict(self),
                "classes": dict(self.classes), "modes": dict(self.modes)}  # fmt: skip

    def lines(self) -> list[str]:
        """Text for a terminal."""
        color = "grey" if self.channels == 1 else "RGB"
        total = sum(count for _, count in self.classes)
        made = [f"data: {self.name}, {total:,} images of {len(self.classes)} classes"]
        made += self.understood.lines()
        made.append(f"pixels: brought to {self.resolution}x{self.resolution} {color}; files are "
                    f"{_size(self.sizes.smallest)} to {_size(self.sizes.largest)}, in the median "
                    f"{_size(self.sizes.median)}")  # fmt: skip
        made.append("modes: " + ", ".join(f"{name} {count:,}" for name, count in self.modes))
        made += self.scaling
        shown = [(_quoted(name), count) for name, count in self.classes[:MOST_CLASSES]]
        width = max(len(name) for name, _ in shown)
        made += [f"  {name:<{width}}  {count:>9,}" for name, count in shown]
        if len(self.classes) > MOST_CLASSES:
            made.append(f"  and {len(self.classes) - MOST_CLASSES} more classes")
        made += self.columns
        made += [f"skipped: {line}" for line in self.skipped]
        made += [f"warning: {each.kind}: {each.text}" for each in self.warnings]
        if self.mirrored is not None:
            how = "plausible" if self.mirrored <= PLAUSIBLE else "not plausible"
            made.append(f"mirror images: {how} (they lie {self.mirrored:.2f} times as far from the "
                        "others of their class as the images themselves; --flip)")  # fmt: skip
        if self.written is not None:
            made.append(f"written: {self.written}")
        return [on_one_line(line) for line in made]


PLAUSIBLE = 1.15
"""Mirrored images that lie no farther than this share from the others may be shown in training."""


def _quoted(name: str) -> str:
    """A class name of which one sees that it ends in blanks."""
    shown = on_one_line(name)
    return shown if shown == shown.strip() else f"'{shown}'"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
