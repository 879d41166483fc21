"""What growing would do: images, rounds and an estimate of the time; nothing is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from synthgen.data.glance import glance
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.threads import chosen_threads
from synthgen.spec.settings.grow import GrowSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.grow.folder import begun, may_change
from synthgen.stages.grow.inputs import Inputs, read_inputs
from synthgen.stages.train.budget import duration
from synthgen.stages.train.decide import decide, estimate, split_counts
from synthgen.stages.train.rate import Stopwatch
from synthgen.storage.place import path_here

MOST_SECONDS = 0.7
"""For the steps of one kind of networks after the first one."""
KEPT = 0.5
"""Share of the pool that an estimate takes to be kept."""


def describe(settings: GrowSettings) -> str:
    """What was understood of the images, the plan, and about how long it takes, as text.

    Writes nothing but the cache of decoded images.

    Raises:
        SynthgenError: as for growing itself.
    """
    out = path_here(settings.out, "a dataset that grows")
    begun(out, settings, may_change(out, settings.rounds))
    inputs = read_inputs(settings)
    classes, shown = len(inputs.classes), settings.steps * settings.classifier_batch
    generator, classifiers = _seconds(settings, inputs)
    seconds = settings.rounds * generator + (settings.rounds + 1) * classifiers
    rounds = f"{settings.rounds} round{'s' if settings.rounds > 1 else ''}"
    return "\n".join([
        *inputs.lines(), "",
        f"out: {settings.out}",
        f"plan: {rounds}; in each {settings.members} classifiers of {settings.steps:,} steps "
        f"({shown:,} images shown) label the pool, images of confidence {settings.confidence:g} "
        "and more are kept, a generator learns from them"
        + ("" if settings.only_pool else " and the labelled ones")
        + f", and {settings.per_class * classes:,} samples are made",
        f"then {settings.members} classifiers that learn from the last samples label the pool once "
        f"more, and the samples become {settings.out}/dataset",
        f"estimate, from a few steps on a few images: {duration(generator)} for each generator, "
        f"{duration(classifiers)} for the classifiers of each labelling, {duration(seconds)} in "
        "all, without reading images and sampling",
    ])  # fmt: skip


def _seconds(settings: GrowSettings, inputs: Inputs) -> tuple[float, float]:
    """Seconds of one generator's training, and of the classifiers of one labelling."""
    device = resolve_device(settings.device)
    precision = resolve_precision(settings.precision, device)
    image = inputs.image
    asked = TrainSettings.parse({
        **settings.of_labelled().model_dump(), **image.as_settings(),
        "algorithm": settings.algorithm, "options": settings.options, "images": settings.images,
        "minutes": settings.minutes, "flip": settings.flip, "device": settings.device,
        "precision": settings.precision,
    })  # fmt: skip
    seen = glance(asked)
    kept = max(1, int(KEPT * len(inputs.pool.labels) / len(inputs.classes)))
    # What a generator learns from is not known before the pool is labelled.
    labels = np.concatenate([seen.labels, np.repeat(np.arange(len(seen.classes)), kept)])
    seen = replace(seen, labels=labels)
    watch = Stopwatch(asked, seen, device, precision, most_seconds=MOST_SECONDS)
    with chosen_threads(settings.threads, device, image):
        decided = decide(asked, seen, device, watch).settings
        generator = asked.seconds or estimate(decided, split_counts(decided, seen)[0], watch)
        each = watch.classifier_seconds_per_image(image.height)
    # Beside each labelled image FixMatch shows two views of an unlabelled one.
    views = 3 if settings.fixmatch else 1
    taught = views * settings.steps * settings.classifier_batch
    # To look costs a third of what to learn costs.
    return generator, settings.members * each * (taught + len(inputs.pool.labels) / 3)
