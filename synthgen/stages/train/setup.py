"""What a training run needs before its first step: data, networks, batches, arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from synthgen.algorithms.contract import Algorithm, Augment
from synthgen.algorithms.registry import Registration, build
from synthgen.data.cache import ImageData
from synthgen.data.records import Records
from synthgen.data.splits import hold_out
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.freed_memory import keep_freed_memory
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Label
from synthgen.spec.settings.train import DecidedTrainSettings, TrainSettings
from synthgen.spec.task import Task
from synthgen.stages.train.loading import check_domains, load
from synthgen.stages.train.offered import GivenRows, chosen_algorithm
from synthgen.training.ada import Ada
from synthgen.training.augment import diffaugment, no_augmentation
from synthgen.training.batches import TaskBatches
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

    data: ImageData | Records
    task: Task
    registration: Registration
    algorithm: Algorithm
    training: Training
    validation: Any  # int64 [V], rows of ``data``
    chosen: Any  # int64 [N], rows of ``data`` that are shown
    judged: tuple[Any, Any]
    """Rows that the label classifier learns from and is held out from: always of all classes."""
    augment: str
    given: GivenRows | None
    """Held-out rows of what the generator is given beside the class, where it is given more."""


def prepare(settings: DecidedTrainSettings, group: Ranks) -> Prepared:
    """Load the data and build the networks, optimisers and batches of a run.

    Raises:
        SynthgenError: the data, the algorithm, its options or the device are not to be had.
    """
    device = _device(settings, group)
    precision = resolve_precision(settings.precision, device)
    registration = chosen_algorithm(settings)
    check_domains(settings)
    loaded = load(settings, group)
    data = loaded.data
    chosen, validation = hold_out(data.labels, settings.holdout, settings.seed)
    judged = chosen, validation
    if settings.only_class is not None:
        owner = f"'{data.name}'"
        label = Label(data.classes).indices([settings.only_class], owner)[0]
        chosen, validation = (rows[data.labels[rows] == label] for rows in judged)
    refuse_too_few(data.name, chosen, validation)
    if not _varies(data, chosen):
        raise SynthgenError(
            f"{data.name}: the training images of a class are all the same image, in each of "
            f"{len(data.classes):,} classes ('{data.classes[0]}' has {_first_class(data):,}); a "
            "generator learns from several that differ: add images, or read folders that are no "
            "classes as one with --structure flat"
        )
    task, streams, given = loaded.streams(settings, registration, chosen, validation)
    keep_freed_memory()
    torch.manual_seed(settings.seed)
    algorithm = build(registration.name, task, settings.options)
    augment = _augmentation(settings, data, len(chosen), algorithm)
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
    batches = TaskBatches(task, streams, flip=settings.flip, move=settings.move)
    training = Training(algorithm, batches, loop, ranks=group)
    return Prepared(
        data, task, registration, algorithm, training, validation, chosen, judged, augment, given
    )


def _augmentation(
    settings: TrainSettings, data: ImageData | Records, count: int, algorithm: Algorithm
) -> str:
    if not algorithm.augments:
        if settings.augment not in ("auto", "none"):
            raise SynthgenError(
                f"augment={settings.augment}: this algorithm's discriminator takes images as they "
                "are; leave it out"
            )
        return "none"
    if settings.augment != "auto":
        return settings.augment
    small = count < SMALL_DATA and data.image.height >= SMALLEST_AUGMENTED
    # Five hundred Fashion-MNIST images a class collapsed to one image each under DiffAugment,
    # whose blanks and shifts hide what a weakly trained discriminator could still see.
    return "ada" if small else "none"


def refuse_too_few(name: str, chosen: np.ndarray, held: np.ndarray) -> None:
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


def _varies(data: ImageData | Records, rows: np.ndarray) -> bool:
    """Whether any class has two images that differ."""
    for label in np.unique(data.labels[rows]):
        first, *others = rows[data.labels[rows] == label]
        if any((data.images[row] != data.images[first]).any() for row in others):
            return True
    return False


def _first_class(data: ImageData | Records) -> int:
    """Images of the first class."""
    return int((data.labels == 0).sum())


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
