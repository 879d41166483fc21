"""What was found of somebody's images that decides which way of making data can help."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import cached_property

from synthgen.data.understood import FLAT_CLASS, Understood
from synthgen.evaluation.association import Association
from synthgen.evaluation.looks import Apart, Corners

MOST_COUNTS = 6
"""Classes whose counts a line shows."""


@dataclass(frozen=True)
class Beside:
    """A further set of images, whose labels are not looked at."""

    path: str
    images: int
    looked_at: int
    apart: Apart | None
    """How its look differs from the data's; ``None`` where there are too few images to say."""
    repeats: float
    """Share of the images looked at that are, exactly or nearly, images of the data."""

    @property
    def another(self) -> bool:
        """Whether it has another look than the data."""
        return self.apart is not None and self.apart.another

    @property
    def new(self) -> int:
        """About how many of its images the data do not have."""
        return round(self.images * (1 - self.repeats))

    def line(self) -> str:
        """What was found of it, for a terminal."""
        repeats = f"{self.repeats:.0%} of the {self.looked_at:,} looked at are images of the data"
        return f"{self.path}, {self.images:,} images; {self.told()}; {repeats}"

    def told(self) -> str:
        """How its look differs, in words."""
        if self.apart is None:
            return "too few images to say whether it looks like the data"
        how = "another look than the data" if self.another else "the look of the data"
        return (f"{how} ({self.apart.share:.0%} of images are told apart, of halves of the data "
                f"{self.apart.halves:.0%})")  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """All of it; paths are as the user gave them."""

    data: str
    name: str
    understood: Understood
    classes: tuple[tuple[str, int], ...]
    """Name and number of images."""
    resolution: int
    channels: int
    repeats: int
    """Images that are, exactly or nearly, an earlier one of their class."""
    masks: tuple[str, ...] = ()
    """Columns of each kind."""
    joints: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    """Further images beside each image."""
    captions: str | None = None
    attributes: tuple[str, ...] = ()
    associations: tuple[Association, ...] = ()
    """Of the label and each attribute, or where there is no label of two attributes; the strongest
    first."""
    corners: Corners | None = None
    test_split: bool = False
    """Whether the data have a split of test images."""
    pool: Beside | None = None
    target: Beside | None = None
    shared: str | None = None
    """A bundled generator of these classes and of this look."""
    private: bool = False

    @property
    def images(self) -> int:
        """How many there are."""
        return sum(self.counts)

    @property
    def counts(self) -> tuple[int, ...]:
        """Images of each class."""
        return tuple(count for _, count in self.classes)

    @property
    def labelled(self) -> bool:
        """Whether there are classes to tell apart."""
        return len(self.classes) > 1 and FLAT_CLASS not in dict(self.classes)

    @cached_property
    def usual(self) -> int:
        """Images of a class, in the median."""
        return int(statistics.median(self.counts))

    @property
    def uneven(self) -> float:
        """The largest class over the smallest."""
        return max(self.counts) / max(1, min(self.counts))

    def lines(self) -> list[str]:
        """What was found, for a terminal."""
        color = "grey" if self.channels == 1 else "RGB"
        kinds = f" of {len(self.classes)} classes ({self.counted()})" if self.labelled else ""
        made = [f"data: {self.data}, {self.images:,} images{kinds}, looked at as "
                f"{self.resolution}x{self.resolution} {color}"]  # fmt: skip
        made += self.understood.lines()
        if self.repeats:
            made.append(f"repeats: {self.repeats:,} images are, exactly or nearly, an earlier one "
                        "of their class (synthgen inspect names them)")  # fmt: skip
        for each in self.associations[:3]:
            made.append(f"together: {each.first} and {each.second}, Cramer's V "
                        f"{each.strength:.2f}: {each.usual}")  # fmt: skip
        if self.corners is not None and self.labelled:
            made.append(f"corners: they tell the class of {self.corners.share:.0%} (a guess: "
                        f"{self.corners.guess:.0%})")  # fmt: skip
        for what, beside in (("unlabelled", self.pool), ("target", self.target)):
            if beside is not None:
                made.append(f"{what}: {beside.line()}")
        return made

    def counted(self) -> str:
        """The classes with their counts, in a few words."""
        if len(self.classes) > MOST_COUNTS:
            return f"{min(self.counts):,} to {max(self.counts):,} images each"
        return ", ".join(f"{name} {count:,}" for name, count in self.classes)
