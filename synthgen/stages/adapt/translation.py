"""The translator's training, and what it makes of the source's rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from synthgen.algorithms.registry import find
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.adapt import AdaptSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.adapt.folder import Places
from synthgen.stages.sample.resolve import resolve
from synthgen.stages.sample.stage import run
from synthgen.stages.train.stage import train

GUARDS = ("task", "semantic")
"""Options by which algorithms weigh what classifiers say of translations."""
IMAGES = 100_000


def guarded(settings: AdaptSettings) -> tuple[str, ...]:
    """The guards that the algorithm has.

    Raises:
        SynthgenError: it does not translate.
    """
    found = find(settings.algorithm)
    if found.takes.streams != 2 or "map" not in found.takes.given:
        raise SynthgenError(
            f"algorithm '{found.name}' does not translate images of one set into images like "
            "another's; take pixelda or cyclegan"
        )
    return tuple(name for name in GUARDS if name in found.options.model_fields)


def training(settings: AdaptSettings, image: ImageSpec, places: Places) -> TrainSettings:
    """The settings of the translator's training.

    Raises:
        SynthgenError: an option is wrong, or the algorithm does not translate.
    """
    names = guarded(settings)
    weights = dict.fromkeys(names, 1.0 if settings.guards else 0.0)
    if settings.guards and not names:
        say(f"{settings.algorithm} has no guards of labels: the audit alone watches them")
    options: Mapping[str, Any] = {**weights, **settings.options}
    if not settings.guards and any(options[name] for name in names):
        raise SynthgenError("--no-guards and --options disagree: leave the guards' weights out")
    find(settings.algorithm).options.parse(options, f"options of {settings.algorithm}")
    budget: dict[str, Any] = {"images": settings.images}
    if settings.minutes is not None:
        budget = {"minutes": settings.minutes}
    elif settings.images is None:
        budget = {"images": IMAGES}
    return TrainSettings.parse({
        "data": str(places.target), "source": str(places.source), "out": str(places.translator),
        "algorithm": settings.algorithm, "options": dict(options), **budget,
        **image.as_settings(), "batch_size": settings.batch_size, "min_per_class": 2,
        "classifier_images": settings.steps * settings.classifier_batch,
        "flip": settings.flip, "lr_decay": 0.0, "reference": False, "seed": settings.seed,
        "device": settings.device, "threads": settings.threads, "cache_dir": settings.cache_dir,
    })  # fmt: skip


def train_translator(settings: AdaptSettings, image: ImageSpec, places: Places) -> None:
    """Train, or find that it has been done."""
    train(training(settings, image, places))


def translate_all(
    settings: AdaptSettings, classes: tuple[str, ...], labels: np.ndarray, places: Places
) -> None:
    """Every row of the source, with its label and columns, ``copies`` times; none is thrown away.
    ``labels int64 [N]`` are those of the rows."""
    sizes = np.bincount(labels, minlength=len(classes)) * settings.copies
    counts = dict(zip(classes, sizes.tolist(), strict=True))
    asked = SampleSettings.parse({
        "generator": str(places.translator), "source": str(places.source),
        "n": int(sizes.sum()), "out": str(places.made), "filters": "none", "seed": settings.seed,
        "device": settings.device, "given_again": settings.copies > 1,
    })  # fmt: skip
    run(resolve(asked, counts=counts), "new")
