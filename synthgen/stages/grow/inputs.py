"""The images of a growing dataset: the labelled ones, the pool, the test set; what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData, load_images
from synthgen.data.glance import glance
from synthgen.data.records import Records, load_records
from synthgen.data.sources import open_source
from synthgen.data.splits import Labelled
from synthgen.machine.devices import resolve_device
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.grow import GrowSettings
from synthgen.stages.grow.held import Held, load_held, seen_before
from synthgen.stages.judging.pixel_hashes import hashes_of
from synthgen.stages.train.sizes import LARGEST_SIDE, sides_for


@dataclass(frozen=True)
class Inputs:
    """All real images, of one size and colour mode."""

    labelled: ImageData
    pool: Records
    held: Held | None
    """The test images."""
    pool_given: np.ndarray
    """``int64 [N]``: the label of each pool image that is a labelled one, which it keeps; else
    -1."""
    test_in_pool: int
    test_in_labelled: int
    unused: tuple[str, ...] = ()
    """Classes of the labelled set that ``--classes`` leaves out."""

    @property
    def test(self) -> ImageData | None:
        return None if self.held is None else self.held.data

    @property
    def classes(self) -> tuple[str, ...]:
        return self.labelled.classes

    @property
    def image(self) -> ImageSpec:
        return self.labelled.image

    @property
    def known(self) -> np.ndarray:
        """``bool [N]``: which pool images are labelled ones."""
        return np.asarray(self.pool_given >= 0)

    @property
    def given(self) -> Labelled:
        """The labelled images."""
        return Labelled(self.labelled.images, self.labelled.labels)

    @property
    def shares(self) -> np.ndarray:
        """``float64 [K]``: the share of each class among the labels."""
        return np.bincount(self.labelled.labels, minlength=len(self.classes)) / len(
            self.labelled.labels
        )

    def fingerprints(self) -> dict[str, str | None]:
        """By what the same images are known again."""
        return {
            "labelled": self.labelled.fingerprint,
            "unlabelled": self.pool.fingerprint,
            "test": None if self.test is None else self.test.fingerprint,
        }

    def lines(self) -> list[str]:
        """What was understood, for a terminal."""
        counts = np.bincount(self.labelled.labels, minlength=len(self.classes))
        found = [
            f"labelled: {self.labelled.name}, {len(self.labelled.labels):,} images of "
            f"{len(self.classes)} classes ({counts.min():,} to {counts.max():,} each), "
            f"{self.image}",
            *self.labelled.lines(),
            f"pool: {self.pool.name}, {len(self.pool.labels):,} images, labels not read"
            + (f"; {self.known.sum():,} are labelled ones and keep that label"
               if self.known.any() else ""),
            *self.pool.lines(),
        ]  # fmt: skip
        found += [f"skipped: {each}" for each in (*self.labelled.skipped, *self.pool.skipped)]
        if self.unused:
            found.append(
                f"warning: the pool may hold the classes left out ({name_list(self.unused, 10)}): "
                "they will be taken for others"
            )
        return found + self.test_lines()

    def test_lines(self) -> list[str]:
        """What there is to say of the test images: how many, left out, seen before."""
        if self.held is None:
            return []
        return [
            *self.held.lines(),
            *seen_before(self.test_in_pool, "pool"),
            *seen_before(self.test_in_labelled, "labelled set"),
        ]


def read_inputs(settings: GrowSettings) -> Inputs:
    """Read all images and compare them.

    Raises:
        SynthgenError: they cannot be read, there is one class alone, or the pool holds nothing that
            is not labelled.
    """
    asked = settings.of_labelled()
    source = open_source(asked, asked.split)
    if settings.resolution is None:
        device = resolve_device(settings.device)
        side = sides_for(glance(asked, source).short_side, LARGEST_SIDE[device.type])[0]
        asked = asked.model_copy(update={"resolution": side})
    labelled = load_images(asked, source=source)
    if len(labelled.classes) < 2:
        raise SynthgenError(
            f"{labelled.name}: has the one class '{labelled.classes[0]}', and there is nothing to "
            "tell apart; to make more images of one kind use synthgen train"
        )
    pool = load_records(
        _of_pool(settings, labelled.image), {"image": Image(1, 1, 1)}, labelled=False
    )
    held = None
    if settings.test is not None:
        like = _like(settings, labelled.image)
        held = load_held(
            {**like, "data": settings.test, "split": settings.test_split}, labelled.classes
        )
    own, theirs = hashes_of(labelled.images), hashes_of(pool.images)
    label_of = dict(zip(own.tolist(), labelled.labels.tolist(), strict=True))
    given = np.array([label_of.get(each, -1) for each in theirs.tolist()], dtype=np.int64)
    if (given >= 0).all():
        raise SynthgenError(
            f"{pool.name}: all images of the pool are labelled ones; name a pool of others with "
            "--unlabelled"
        )
    in_pool, in_labelled = (
        0 if held is None else held.among(each.images) for each in (pool, labelled)
    )
    unused = tuple(name for name in source.classes if name not in labelled.classes)
    return Inputs(labelled, pool, held, given, in_pool, in_labelled, unused)


def tell(inputs: Inputs) -> None:
    """Say what was understood."""
    for line in inputs.lines():
        say(line)


def _like(settings: GrowSettings, image: ImageSpec) -> dict[str, Any]:
    """How further images are read: as the labelled ones, in their size and colours."""
    return {**settings.reading(), **image.as_settings(), "min_per_class": 1}


def _of_pool(settings: GrowSettings, image: ImageSpec) -> DataSettings:
    """How the pool is read: where the labels lie among the labelled images says nothing of it."""
    return DataSettings.parse({
        **_like(settings, image), "data": settings.unlabelled, "split": settings.unlabelled_split,
        "structure": "auto", "label_column": None,
    })  # fmt: skip
