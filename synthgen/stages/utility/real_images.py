"""Real images of a utility table: those that classifiers learn from, and those that test them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData
from synthgen.data.strata import load_strata
from synthgen.dataset.manifest import Manifest
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.utility import HELD_OUT, UtilitySettings
from synthgen.spec.task import ALL
from synthgen.stages.finished.dataset import Dataset
from synthgen.stages.judging.training_rows import training_rows
from synthgen.stages.utility.attribute import Target
from synthgen.stages.utility.places import PlaceTarget, learnt_of


@dataclass(frozen=True)
class RealImages:
    """Two sets of real images of a dataset's classes, size and colours, without a row in common."""

    real: ImageData
    """To learn from."""
    test: ImageData
    test_name: str
    whole_fingerprint: str
    """Of all the images that ``real`` was taken from, as a generator's record has it."""
    real_rows: np.ndarray | None = None
    """Where a column of places is learnt, its stored rows of ``real``."""
    test_rows: np.ndarray | None = None
    asked: tuple[DataSettings, DataSettings] = field(kw_only=True)
    """By which either was read."""
    beside: bool = field(kw_only=True)
    """Whether rows may have something beside the images."""

    def learning(
        self, target: Target | PlaceTarget | None, real: np.ndarray, test: np.ndarray
    ) -> RealImages:
        """With what is learnt: classes become the labels, rows of places lie beside the images.

        Raises:
            SynthgenError: a class has no image.
        """
        if target is None:
            return self
        if isinstance(target, PlaceTarget):
            return replace(self, real_rows=real, test_rows=test)
        return replace(self, real=target.put(self.real, real), test=target.put(self.test, test))


def utility_images(settings: UtilitySettings, dataset: Dataset) -> RealImages:
    """The images that ``settings`` name; by default the test split, or where the source has none
    the rows that the generator's training held out. Where an attribute is learnt, it is the label;
    where a column of places is, its rows lie beside the images.

    Raises:
        SynthgenError: they cannot be read, lack a class, or are the same.
    """
    target = learnt_of(dataset, settings)
    if target is None and dataset.plan.classes == (ALL,):
        raise SynthgenError(
            f"{settings.dataset}: its rows have no label, and so nothing for a classifier to learn"
        )
    spec = dataset.image
    common: dict[str, Any] = {
        **settings.reading(), "classes": dataset.plan.classes, **spec.as_settings(),
        "min_per_class": 1,
    }  # fmt: skip
    beside = bool(dataset.manifest.generator.task(dataset.plan.classes).beside)
    asked = DataSettings.parse({
        **common, "data": settings.real, "split": settings.real_split,
        "limit_per_class": settings.limit_per_class, "limit_seed": settings.limit_seed,
    })  # fmt: skip
    real = load_strata(asked, beside=beside)
    told = None if target is None else target.of_real(asked)
    set_aside = _set_aside(dataset, real, target, told, asked, beside)
    if settings.test == HELD_OUT and not Path(HELD_OUT).is_dir():
        if set_aside is None:
            if some := _some_classes(dataset.manifest, asked, beside):
                raise SynthgenError(
                    f"{real.name}: {some}, so which rows of it were held out is not known; name "
                    "test images with --test"
                )
            raise SynthgenError(
                f"{real.name}: is not what this dataset's generator was trained on, so no rows of "
                "it were held out; name test images with --test"
            )
        return set_aside
    test = _test(settings, common, beside, without=set_aside)
    if test is not None and test.fingerprint != real.fingerprint:
        name, whole = f"{test.name} ({settings.test_split})", real.fingerprint
        own_asked = _test_settings(settings, common)
        found = RealImages(real, test, name, whole, asked=(asked, own_asked), beside=beside)
        if target is None or told is None:
            return found
        return found.learning(target, told, target.of_real(own_asked))
    if settings.test is not None or set_aside is None:
        raise SynthgenError(
            f"{settings.test or settings.real}: the test images are the real training images; name "
            "others with --test and --test-split"
        )
    say(
        f"{real.name}: no split '{settings.test_split}'; tested on the {len(set_aside.test.labels)}"
        " images that the generator's training held out. They chose its best state: images that "
        "were set aside before are the stricter test (--test)"
    )
    return set_aside


def _test(
    settings: UtilitySettings,
    common: Mapping[str, Any],
    beside: bool,
    without: RealImages | None,
) -> ImageData | None:
    """The test images; ``None`` if none are named, the source has none, and there are others."""
    try:
        return load_strata(_test_settings(settings, common), beside=beside)
    except SynthgenError:
        if settings.test is not None or without is None:
            raise
        return None


def _test_settings(settings: UtilitySettings, common: Mapping[str, Any]) -> DataSettings:
    source = settings.test or settings.real
    return DataSettings.parse({**common, "data": source, "split": settings.test_split})


def generators_own(manifest: Manifest, images: RealImages) -> np.ndarray:
    """Rows ``int64`` of the real images that all generators of a dataset have learnt from.

    Raises:
        SynthgenError: they learnt from other images, or do not say from which of these.
    """
    real = images.real
    if real.fingerprint != images.whole_fingerprint:  # those that training held out are gone
        return np.arange(len(real.labels))
    made = manifest.parts or (manifest.made,)
    found = [training_rows(part.generator.trained, real) for part in made]
    if any(rows is None for rows in found):
        if some := _some_classes(manifest, images.asked[0], images.beside):
            raise SynthgenError(
                f"{real.name}: {some}, so nobody's membership can be told; measure it with a "
                "dataset of all of them"
            )
        raise SynthgenError(
            f"{real.name}: is not what the dataset's generator was trained on, so nobody's "
            "membership can be told; name its training images with --real"
        )
    return reduce(np.intersect1d, [rows[0] for rows in found if rows is not None])


def _some_classes(manifest: Manifest, asked: DataSettings, beside: bool) -> str:
    """What to say where the real images, all classes of them, are those that a generator of the
    dataset was trained on, and the dataset is of some classes alone; empty where it is not so."""
    own = manifest.plan.classes
    try:
        every = load_strata(asked.model_copy(update={"classes": None}), beside=beside)
    except SynthgenError:  # what they are cannot be told, and that they are others is said
        return ""
    made = manifest.parts or (manifest.made,)
    prints = {part.generator.trained.data_fingerprint for part in made}
    if every.fingerprint not in prints or not set(own) < set(every.classes):
        return ""
    return (
        f"only {name_list(own)} of the {len(every.classes)} classes that the generator was trained "
        "on are in this dataset"
    )


def _set_aside(
    dataset: Dataset, real: ImageData, target: Target | PlaceTarget | None,
    told: np.ndarray | None, asked: DataSettings, beside: bool,
) -> RealImages | None:  # fmt: skip
    """``real`` without the rows that the training of the dataset's one generator held out, and
    these rows as test images; ``None`` if it was trained on others."""
    manifest = dataset.manifest
    made = manifest.parts or (manifest.made,)
    records = [part.generator.trained for part in made]
    rows = training_rows(records[0], real)
    if rows is None or any(record != records[0] for record in records):
        return None
    learnt, held = (_only(real, part, name) for part, name in zip(rows, PARTS, strict=True))
    found = RealImages(
        learnt, held, f"{real.name} ({HELD_OUT})", real.fingerprint, asked=(asked, asked),
        beside=beside,
    )  # fmt: skip
    return found if told is None else found.learning(target, told[rows[0]], told[rows[1]])


PARTS = ("without the rows held out", "rows held out")


def _only(data: ImageData, rows: np.ndarray, name: str) -> ImageData:
    return replace(
        data,
        images=data.images[rows],
        labels=data.labels[rows],
        rows=data.rows[rows],
        fingerprint=f"{data.fingerprint}, {name}: {len(rows)}",
    )
