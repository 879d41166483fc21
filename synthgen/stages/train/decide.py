"""What a run does where its settings leave it open: decided once, for these images and machine.

The reasons for each default stand in ``docs/training.md``. What is given always wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from synthgen.algorithms.registry import DEFAULT
from synthgen.data.glance import Glance
from synthgen.data.splits import hold_out
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.progress import say
from synthgen.machine.threads import chosen_threads
from synthgen.spec.settings.train import BUDGETS, DecidedTrainSettings, TrainSettings
from synthgen.stages.train.budget import FOR_JUDGING, duration
from synthgen.stages.train.offered import chosen_algorithm, look_at, use_defaults
from synthgen.stages.train.rate import Stopwatch
from synthgen.stages.train.sizes import (
    FEW,
    LARGEST_SIDE,
    NARROW,
    Fitted,
    batch_for,
    fit,
    sides_for,
    sizes_for,
)
from synthgen.training.distributed import Ranks

IMAGES = 200_000
IMAGES_OF_FEW = 120_000
HELD_PER_CLASS = 25
MOST_SCORED = 2048
CLASSIFIER_IMAGES = (20_000, 400_000)
TICKS = (4, 20)
SECONDS_A_TICK = 20
"""Of a budget of time: a tick saves, scores and draws, which takes a second or two."""

WORTH_MEASURING = 20_000
"""Images of 32 px: fewer take less than two hours anywhere."""

LONG = 2 * 3600
"""Seconds from which on a run on a CPU says how long it will take before it begins."""


@dataclass(frozen=True)
class Decision:
    """Settings with nothing left open, and what to tell of how they came about."""

    settings: DecidedTrainSettings
    lines: tuple[str, ...]


def decide_on_this_machine(settings: TrainSettings) -> Decision:
    """Look at a few of the images, measure if there is a budget of time, and decide.

    Raises:
        SynthgenError: the data, the algorithm or the device are not to be had.
    """
    device = resolve_device(settings.device)
    precision = resolve_precision(settings.precision, device)
    seen = look_at(settings)
    seconds = settings.seconds or LONG
    most = min(2.0, max(0.3, seconds / 200))
    watch = Stopwatch(settings, seen, device, precision, most_seconds=most)
    with chosen_threads(settings.threads, device, seen.image(LARGEST_SIDE["cpu"])):
        return decide(settings, seen, device, watch)


def agree_on_settings(
    settings: TrainSettings, before: DecidedTrainSettings | None, group: Ranks
) -> DecidedTrainSettings:
    """The settings of a run with nothing left open: as ``before``, when it began, or decided now
    by the first rank, which says what it decided.

    Raises:
        SynthgenError: as :func:`decide_on_this_machine`.
    """
    if before is not None:
        return before
    text = None
    if group.leads:
        decision = decide_on_this_machine(settings)
        for line in decision.lines:
            say(line)
        if group.count == 1:
            return decision.settings
        text = decision.settings.model_dump_json()
    return DecidedTrainSettings.model_validate_json(group.agree(text) or "")


def decide(
    settings: TrainSettings, seen: Glance, device: torch.device, watch: Stopwatch
) -> Decision:
    """Fill in what ``settings`` leave open."""
    training_images, held = split_counts(settings, seen)
    found = chosen_algorithm(settings)
    own = {**use_defaults(settings, found.name), **settings.options}
    settings = settings.model_copy(update={"options": own})
    narrower = found.name == DEFAULT and not {"width", "widest"} & set(settings.options)
    cap = LARGEST_SIDE[device.type]
    lines = []
    given = settings.resolution
    sides = (given,) if given else sides_for(seen.short_side, cap)
    options: Mapping[str, Any] = settings.options
    images, plan = settings.images, None
    if settings.seconds is not None:
        sizes = sizes_for(training_images, narrower)
        for_training = settings.seconds * (1 - FOR_JUDGING)
        if settings.per_class:
            for_training /= len(seen.classes)
        plan, twice = (
            fit(share * for_training, sides, sizes, options, watch.seconds_per_image)
            for share in (1, 2)
        )
        side, options, images = plan.side, plan.options, plan.images
        lines += [
            f"{duration(settings.seconds)} on this machine: {_plan_text(plan, training_images)}",
            f"{duration(2 * settings.seconds)} would be {_plan_text(twice, training_images)}",
        ]
    else:
        side = sides[0]
        if narrower and training_images < FEW:
            options = {**options, "width": NARROW.width, "widest": NARROW.widest}
        if images is None:
            images = IMAGES_OF_FEW if training_images < FEW else IMAGES
    lines += _said(settings, seen, side, cap, training_images, options)
    batch = settings.batch_size or batch_for(images)
    samples = settings.score_samples or _samples(held, images)
    decided = DecidedTrainSettings.parse({
        **settings.model_dump(),
        "resolution": side,
        "options": dict(options),
        "images": images,
        "batch_size": batch,
        "holdout": settings.holdout or _holdout(seen.labels),
        "score_samples": samples,
        "ticks": settings.ticks or _ticks(images, samples, settings.seconds),
        "classifier_images": settings.classifier_images or _between(CLASSIFIER_IMAGES, 2 * images),
    })  # fmt: skip
    if plan is None and device.type == "cpu":
        lines += _warning(settings, decided, training_images, watch)
    return Decision(decided, tuple(lines))


def split_counts(settings: TrainSettings, seen: Glance) -> tuple[int, int]:
    """How many images train and how many are held out; of one class where each has its own run."""
    share = settings.holdout or _holdout(seen.labels)
    rows = hold_out(seen.labels, share, settings.seed)
    if settings.only_class in seen.classes:
        own = seen.classes.index(settings.only_class)
        learnt, held = (int((seen.labels[part] == own).sum()) for part in rows)
        return learnt, held
    if settings.per_class:
        return len(rows[0]) // len(seen.classes), len(rows[1]) // len(seen.classes)
    return len(rows[0]), len(rows[1])


def _holdout(labels: np.ndarray) -> float:
    """A tenth, or up to a fifth where a tenth of the smallest class is under 25 images."""
    fewest = int(np.bincount(labels).min())
    return min(0.2, max(0.1, round(HELD_PER_CLASS / max(1, fewest), 3)))


def _samples(held: int, images: int) -> int:
    """Four times the held-out images, and no more than an eighth of what the run is shown."""
    return max(64, min(MOST_SCORED, 4 * held, images // 8))


def _ticks(images: int, samples: int, seconds: float | None) -> int:
    """How many ticks a run has: between two, it is shown twice the images that a tick samples."""
    ticks = images // (2 * samples)
    if seconds is not None:
        ticks = min(ticks, int(seconds / SECONDS_A_TICK))
    return _between(TICKS, ticks)


def _between(bounds: tuple[int, int], value: int) -> int:
    return max(bounds[0], min(bounds[1], value))


def _plan_text(plan: Fitted, training_images: int) -> str:
    width = plan.options.get("width")
    return (
        f"{plan.side} px, {'' if width is None else f'width {width}, '}batches of "
        f"{batch_for(plan.images)}, about {plan.images:,} real images shown "
        f"({plan.images / max(1, training_images):.0f} passes) at "
        f"{1 / plan.seconds_per_image:.0f} a second"
    )


def _said(
    settings: TrainSettings,
    seen: Glance,
    side: int,
    cap: int,
    training_images: int,
    options: Mapping[str, Any],
) -> list[str]:
    """One line for each choice that somebody may want otherwise."""
    lines = []
    if settings.resolution is None and side < seen.short_side:
        why = f"at most {cap} here" if side == cap else "for want of time"
        lines.append(
            f"resolution: {side} px ({why}; the images have {seen.short_side}); "
            f"--resolution {seen.short_side} for more"
        )
    if options != settings.options and training_images < FEW:
        lines.append(
            f"few images ({training_images:,} to train on): narrow networks "
            f"(width {options['width']}, widest {options['widest']})"
            + (", adaptive augmentation" if settings.augment == "auto" else "")
            + ("" if settings.flip else "; --flip if a mirrored image is still of its class")
        )
    if settings.reference:
        lines.append(
            "the bundle will hold blurred thumbnails (32 numbers each) of training images; "
            "--no-reference leaves them out where images are private"
        )
    return lines


def _warning(
    settings: TrainSettings, decided: DecidedTrainSettings, training_images: int, watch: Stopwatch
) -> list[str]:
    """What to know of a run of more than two hours."""
    if decided.images * (decided.resolution / 32) ** 2 < WORTH_MEASURING:
        return []
    seconds = estimate(decided, training_images, watch)
    if seconds < LONG:
        return []
    return [
        f"this takes about {duration(seconds)} here; for an hour's run: "
        f"synthgen train {settings.typed(without=(*BUDGETS, 'out'))} --minutes 60"
    ]


def estimate(decided: DecidedTrainSettings, training_images: int, watch: Stopwatch) -> float:
    """Seconds of the whole run without a budget of time: steps, label classifier, scoring."""
    each = watch.seconds_per_image(decided.resolution, decided.options)
    # A sample takes one pass of one network where an image shown takes some eight passes.
    scored = decided.ticks * decided.score_samples * each / 8
    learnt = min(decided.classifier_images, 60 * training_images)
    judged = learnt * watch.classifier_seconds_per_image(decided.resolution)
    return decided.images * each + scored + judged
