"""Both sets of images as they are read, and what is done to bring the source's into the target's
frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData
from synthgen.data.glance import glance
from synthgen.data.records import Records, load_records, open_rows, without_labels
from synthgen.data.splits import Labelled
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.adapt import AdaptSettings
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.task import ALL
from synthgen.stages.adapt.canonical import Canonical, Frame, frame_of, needed
from synthgen.stages.grow.held import Held, load_held, seen_before
from synthgen.stages.judging.pixel_hashes import hashes_of

LARGEST_SIDE = 64
"""Pixels of the side without a wish; more takes hours on a CPU."""
FEWEST = 20
"""Images that a look is learnt from, at least."""


@dataclass(frozen=True)
class Look:
    """What was read, of one size and colour mode."""

    source: Records
    target: Records
    held: Held | None
    """The test images."""
    seen: tuple[int, int]
    """How many of these are images of the target, and of the source."""
    canonical: Canonical
    frames: tuple[Frame, Frame]
    """The source's and the target's."""

    @property
    def test(self) -> ImageData | None:
        return None if self.held is None else self.held.data

    @property
    def classes(self) -> tuple[str, ...]:
        return self.source.classes

    @property
    def image(self) -> ImageSpec:
        return self.target.image

    @cached_property
    def prepared(self) -> Labelled:
        """The source in the target's frame."""
        return Labelled(self.canonical.apply(self.source.images), self.source.labels)

    def record(self) -> dict[str, Any]:
        """What the run was begun with; a run that goes on compares it."""
        return {
            "source": self.source.fingerprint,
            "target": self.target.fingerprint,
            "test": None if self.test is None else self.test.fingerprint,
            "canonical": self.canonical.to_json(),
        }

    def lines(self) -> list[str]:
        """What was understood, for a terminal."""
        counts = np.bincount(self.source.labels, minlength=len(self.classes))
        told = [
            f"source: {self.source.name}, {len(self.source.labels):,} images of "
            f"{len(self.classes)} classes ({counts.min():,} to {counts.max():,} each): "
            f"{name_list(self.classes, 10)}",
            *self.source.lines(),
            f"target: {self.target.name}, {len(self.target.labels):,} images, labels not read",
            *self.target.lines(),
            f"both as {self.image}",
            *(f"{name}: {_framed(frame)}" for name, frame in
              zip(("source", "target"), self.frames, strict=True)),
            *(self.canonical.lines() or ["the source's images are taken as they are"]),
        ]  # fmt: skip
        told += [f"skipped: {each}" for each in (*self.source.skipped, *self.target.skipped)]
        if self.held is not None:
            told += self.held.lines()
        for count, where in zip(self.seen, ("target", "source"), strict=True):
            told += seen_before(count, where)
        return told


def _framed(frame: Frame) -> str:
    if not frame.plain:
        return "no plain background"
    kind = "dark" if frame.background < 128 else "bright"
    return f"a plain {kind} background, what is shown fills {frame.content:.0%} of the side"


def look_at(settings: AdaptSettings) -> Look:
    """Read both sets, and the test images where there are any.

    Raises:
        SynthgenError: the source has no labels or one class, the target too few images, the test
            images other classes or no image that is not the target's or the source's.
    """
    asked = _of_target(settings)
    glanced = glance(asked, open_rows(without_labels(asked)))
    side = settings.resolution or min(LARGEST_SIDE, glanced.short_side)
    spec = ImageSpec(side, side, glanced.channels).as_settings()
    shown = {"image": Image(1, 1, 1)}
    target = load_records(asked.model_copy(update=spec), shown, {}, labelled=False)
    source = load_records(
        DataSettings.parse({
            **settings.reading(), **spec, "data": settings.source, "split": settings.source_split,
            "classes": settings.classes, "min_per_class": 2,
        }),
        shown, {}, carry=True,
    )  # fmt: skip
    _check(source, target)
    held, seen = None, (0, 0)
    if settings.test is not None:
        held = load_held({
            **settings.reading(), **spec, "data": settings.test, "split": settings.test_split,
        }, source.classes)  # fmt: skip
        seen = _new_to_test(held, source, target)
    frames = frame_of(source.images), frame_of(target.images)
    canonical = needed(*frames) if settings.canonical else Canonical()
    return Look(source, target, held, seen, canonical, frames)


def _new_to_test(held: Held, source: Records, target: Records) -> tuple[int, int]:
    """How many test images are among the target's, and among the source's.

    Raises:
        SynthgenError: all of them are.
    """
    counts = held.among(target.images), held.among(source.images)
    for count, other, whose in zip(counts, (target, source), ("target's", "source's"), strict=True):
        if count == len(held.data.labels):
            raise SynthgenError(
                f"{held.data.name}: all of the test images are the {whose} ({other.name}); name "
                "others with --test"
            )
    return counts


def _of_target(settings: AdaptSettings) -> DataSettings:
    """How the target is read: where the source's labels and columns lie says nothing of it."""
    own = {"structure": "auto", "image_column": None, "label_column": None, "domain": None,
           "domain_column": None}  # fmt: skip
    return DataSettings.parse({
        **settings.reading(), **own, "data": settings.target, "split": settings.target_split,
        "min_per_class": 1,
    })  # fmt: skip


def _check(source: Records, target: Records) -> None:
    if source.classes == (ALL,):
        raise SynthgenError(
            f"{source.name}: has no labels to carry over; give class folders, or name the column "
            "of labels with --label-column"
        )
    if len(source.classes) < 2:
        raise SynthgenError(
            f"{source.name}: has the one class '{source.classes[0]}', and there is nothing to tell "
            "apart"
        )
    least = max(FEWEST, 2 * len(source.classes))
    if len(target.labels) < least:
        raise SynthgenError(
            f"{target.name}: {len(target.labels)} image{'s' * (len(target.labels) != 1)} of the "
            f"target are too few to learn a look from; give at least {least}, without labels"
        )
    if np.isin(hashes_of(source.images), hashes_of(target.images)).all():
        raise SynthgenError(
            f"{source.name}: all images of the source are the target's; there is nothing to adapt"
        )
