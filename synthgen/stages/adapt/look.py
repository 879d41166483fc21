"""Both sets of images as they are read, and what is done to bring the source's into the target's
frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData, load_images
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
    test: ImageData | None
    canonical: Canonical
    frames: tuple[Frame, Frame]
    """The source's and the target's."""

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
        if self.test is not None:
            told.append(f"test: {self.test.name}, {len(self.test.labels):,} images of the target")
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
            images other classes.
    """
    asked = _of_target(settings)
    seen = glance(asked, open_rows(without_labels(asked)))
    side = settings.resolution or min(LARGEST_SIDE, seen.short_side)
    spec = ImageSpec(side, side, seen.channels).as_settings()
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
    test = None
    if settings.test is not None:
        test = load_images(DataSettings.parse({
            **settings.reading(), **spec, "data": settings.test, "split": settings.test_split,
            "classes": source.classes, "min_per_class": 1,
        }))  # fmt: skip
        if test.fingerprint == target.fingerprint:
            raise SynthgenError(
                f"{test.name}: the test images are the target's; name others with --test"
            )
    frames = frame_of(source.images), frame_of(target.images)
    canonical = needed(*frames) if settings.canonical else Canonical()
    return Look(source, target, test, canonical, frames)


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
