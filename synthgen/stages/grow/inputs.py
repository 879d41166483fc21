"""The images of a growing dataset: the labelled ones, the pool, the test set; what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData, load_images
from synthgen.data.glance import glance
from synthgen.data.records import Records, load_records
from synthgen.data.splits import Labelled
from synthgen.machine.devices import resolve_device
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.grow import GrowSettings
from synthgen.stages.judging.pixel_hashes import hashes_of
from synthgen.stages.train.sizes import LARGEST_SIDE, sides_for


@dataclass(frozen=True)
class Inputs:
    """All real images, of one size and colour mode."""

    labelled: ImageData
    pool: Records
    test: ImageData | None
    pool_given: np.ndarray
    """``int64 [N]``: the label of each pool image that is a labelled one, which it keeps; else
    -1."""
    test_in_pool: int
    test_in_labelled: int

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
        if self.test is not None:
            found.append(f"test: {self.test.name}, {len(self.test.labels):,} images")
        for count, where in ((self.test_in_pool, "pool"), (self.test_in_labelled, "labelled set")):
            if count:
                found.append(
                    f"warning: {count:,} test images are in the {where}: the accuracy on them says "
                    "too much"
                )
        return found


def read_inputs(settings: GrowSettings) -> Inputs:
    """Read all images and compare them.

    Raises:
        SynthgenError: they cannot be read, there is one class alone, or the pool holds nothing that
            is not labelled.
    """
    asked = settings.of_labelled()
    if settings.resolution is None:
        device = resolve_device(settings.device)
        side = sides_for(glance(asked).short_side, LARGEST_SIDE[device.type])[0]
        asked = asked.model_copy(update={"resolution": side})
    labelled = load_images(asked)
    if len(labelled.classes) < 2:
        raise SynthgenError(
            f"{labelled.name}: has the one class '{labelled.classes[0]}', and there is nothing to "
            "tell apart; to make more images of one kind use synthgen train"
        )
    pool = load_records(
        _of_pool(settings, labelled.image), {"image": Image(1, 1, 1)}, labelled=False
    )
    test = None
    if settings.test is not None:
        test = load_images(DataSettings.parse({
            **_like(settings, labelled.image), "data": settings.test, "split": settings.test_split,
            "classes": labelled.classes,
        }))  # fmt: skip
    own, theirs = hashes_of(labelled.images), hashes_of(pool.images)
    label_of = dict(zip(own.tolist(), labelled.labels.tolist(), strict=True))
    given = np.array([label_of.get(each, -1) for each in theirs.tolist()], dtype=np.int64)
    if (given >= 0).all():
        raise SynthgenError(
            f"{pool.name}: all images of the pool are labelled ones; name a pool of others with "
            "--unlabelled"
        )
    tested = hashes_of(test.images) if test is not None else np.array([], dtype=own.dtype)
    return Inputs(
        labelled, pool, test, given,
        int(np.isin(tested, theirs).sum()), int(np.isin(tested, own).sum()),
    )  # fmt: skip


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
