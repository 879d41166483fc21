"""What a training run needs before its first step: data, networks, batches, arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from synthgen.algorithms.contract import Algorithm, Augment
from synthgen.algorithms.registry import build, find
from synthgen.data.cache import ImageData, load_images
from synthgen.data.splits import Labelled, hold_out
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.freed_memory import keep_freed_memory
from synthgen.machine.progress import say
from synthgen.spec.condition import ClassCondition, ClassConditional
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import DecidedTrainSettings, TrainSettings
from synthgen.training.ada import Ada
from synthgen.training.augment import diffaugment, no_augmentation
from synthgen.training.batches import RealBatches
from synthgen.training.distributed import Ranks
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings

SMALL_DATA = 20_000
"""Below this many training images the discriminator is augmented unless told otherwise."""

SMALLEST_AUGMENTED = 24
"""Smaller images (px) are not: blanked and shifted, 8 px digits lost what sets them apart, and the
generator gave one image a class (diversity 0.2 of the real one, against 0.8 without)."""


@dataclass(frozen=True)
class Prepared:
    """What is known before the first step."""

    data: ImageData
    task: ClassConditional
    algorithm: Algorithm
    training: Training
    validation: Any  # int64 [V], rows of ``data``
    chosen: Any  # int64 [N], rows of ``data`` that are shown
    judged: tuple[Any, Any]
    """Rows that the label classifier learns from and is held out from: always of all classes."""
    augment: str
    sources: Labelled | None
    """Held-out images of the other domain, for an algorithm that has two."""


def prepare(settings: DecidedTrainSettings, group: Ranks) -> Prepared:
    """Load the data and build the networks, optimisers and batches of a run.

    Raises:
        SynthgenError: the data, the algorithm, its options or the device are not to be had.
    """
    device = _device(settings, group)
    precision = resolve_precision(settings.precision, device)
    registration = find(settings.algorithm)
    two = registration.domains == 2
    check_domains(settings)
    data, other = _load(settings, group, two)
    chosen, validation = hold_out(data.labels, settings.holdout, settings.seed)
    judged = chosen, validation
    if settings.only_class is not None:
        owner = f"'{data.name}'"
        label = ClassCondition(data.classes).indices([settings.only_class], owner)[0]
        chosen, validation = (rows[data.labels[rows] == label] for rows in judged)
    _refuse_too_few(data.name, chosen, validation)
    if not _varies(data, chosen):
        raise SynthgenError(
            f"{data.name}: the training images of a class are all the same image; a generator "
            "learns from several that differ"
        )
    domains, sources, held_sources = _other_domain(settings, data, other)
    task = ClassConditional(data.image, ClassCondition(data.classes), domains)
    keep_freed_memory()
    torch.manual_seed(settings.seed)
    algorithm = build(registration.name, task, settings.options)
    augment = _augmentation(settings, data, len(chosen))
    if settings.batch_size % group.count:
        raise SynthgenError(
            f"batch_size {settings.batch_size} does not divide over {group.count} processes"
        )
    augmentations: dict[str, Augment] = {
        "none": no_augmentation, "diffaugment": diffaugment, "ada": Ada()
    }  # fmt: skip
    loop = LoopSettings(
        images=settings.images,
        batch_size=settings.batch_size,
        seed=settings.seed,
        ema_half_life=settings.ema_half_life,
        augment=augmentations[augment],
        precision=precision,
        device=device,
        clip_gradients=settings.clip_gradients,
        lr_at=lambda progress: _lr_factor(progress, settings.lr_decay),
    )
    batches = RealBatches(data.images, data.labels, chosen, settings.seed, settings.flip)
    training = Training(algorithm, batches, loop, ranks=group, sources=sources)
    return Prepared(
        data, task, algorithm, training, validation, chosen, judged, augment, held_sources
    )


def _load(settings: TrainSettings, group: Ranks, two: bool) -> tuple[ImageData, ImageData | None]:
    """The images, and the other domain's where there are two; the first rank decodes them."""

    def load() -> tuple[ImageData, ImageData | None]:
        data = load_images(settings)
        return data, load_source(settings, data) if two else None

    if group.leads:
        found = load()
        for line in (*found[0].lines(), *(f"skipped: {each}" for each in found[0].skipped)):
            say(line)
    group.wait()
    return found if group.leads else load()


def _other_domain(
    settings: DecidedTrainSettings, data: ImageData, other: ImageData | None
) -> tuple[tuple[str, ...], RealBatches | None, Labelled | None]:
    """Names of both domains, and the other one's images: to train on, and held out."""
    if other is None:
        return (), None, None
    names = settings.source_domain or other.name, settings.domain or data.name
    domains = names if names[0] != names[1] else (f"{names[0]} (source)", names[1])
    learnt, held = hold_out(other.labels, settings.holdout, settings.seed)
    sources = RealBatches(other.images, other.labels, learnt, settings.seed + 1, settings.flip)
    return domains, sources, Labelled(other.images[held], other.labels[held])


def _augmentation(settings: TrainSettings, data: ImageData, count: int) -> str:
    if settings.augment != "auto":
        return settings.augment
    small = count < SMALL_DATA and data.image.height >= SMALLEST_AUGMENTED
    # Five hundred Fashion-MNIST images a class collapsed to one image each under DiffAugment,
    # whose blanks and shifts hide what a weakly trained discriminator could still see.
    return "ada" if small else "none"


def _refuse_too_few(name: str, chosen: np.ndarray, held: np.ndarray) -> None:
    """Nothing, if the generator can be scored: that takes two held-out images.

    Raises:
        SynthgenError: there are fewer.
    """
    total = len(set(chosen.tolist()) | set(held.tolist()))
    if len(held) >= 2:
        return
    share = math.ceil(200 / max(1, total)) / 100
    how = f"hold out more with --holdout {share:g}, or " if total >= 4 else ""
    raise SynthgenError(
        f"{name}: {total} images leave {len(held)} to score the generator by, and two are needed; "
        f"{how}add images"
    )


def _varies(data: ImageData, rows: np.ndarray) -> bool:
    """Whether any class has two images that differ."""
    for label in np.unique(data.labels[rows]):
        first, *others = rows[data.labels[rows] == label]
        if any((data.images[row] != data.images[first]).any() for row in others):
            return True
    return False


def load_source(settings: TrainSettings, target: ImageData) -> ImageData:
    """The other domain's images, of the target's size, mode and classes.

    Raises:
        SynthgenError: it lacks one of the target's classes, or cannot be read.
    """
    changes = {
        "data": settings.source or settings.data,
        "domain": settings.source_domain,
        "domain_column": settings.domain_column if settings.source_domain else None,
        "classes": target.classes,
        **target.image.as_settings(),
    }
    return load_images(settings.model_copy(update=changes))


def check_domains(settings: TrainSettings) -> None:
    """Raises:
    SynthgenError: the algorithm needs another number of domains than the settings give.
    """
    registration = find(settings.algorithm)
    name, two = registration.name, registration.domains == 2
    given = settings.source is not None or settings.source_domain is not None
    if two and not given:
        raise SynthgenError(
            f"algorithm '{name}' learns from two domains: give the other one's images with "
            "--source, or both out of one table with --domain-column, --domain and --source-domain"
        )
    if given and not two:
        raise SynthgenError(f"algorithm '{name}' has one domain: leave out source, source_domain")


def _device(settings: TrainSettings, group: Ranks) -> torch.device:
    if group.count > 1 and settings.device in ("auto", "cuda") and torch.cuda.is_available():
        torch.cuda.set_device(group.local)
        return torch.device("cuda", group.local)
    return resolve_device(settings.device)


def _lr_factor(progress: float, decay: float) -> float:
    """One, then linear to a tenth over the last ``decay`` of the run."""
    if decay == 0 or progress <= 1 - decay:
        return 1.0
    return 1.0 - 0.9 * min(1.0, (progress - (1 - decay)) / decay)
