"""What a training run needs before its first step: data, networks, batches, arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from synthgen.algorithms.contract import Algorithm, Augment
from synthgen.algorithms.registry import Registration, build
from synthgen.data.cache import ImageData, load_images
from synthgen.data.records import Records
from synthgen.data.splits import hold_out
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.freed_memory import keep_freed_memory
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Label
from synthgen.spec.settings.train import DecidedTrainSettings, TrainSettings
from synthgen.spec.task import Task, label_to_image
from synthgen.stages.train.offered import GivenRows, chosen_algorithm, held_rows, load_for
from synthgen.training.ada import Ada
from synthgen.training.augment import diffaugment, no_augmentation
from synthgen.training.batches import Stream, TaskBatches
from synthgen.training.distributed import Ranks
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings
from synthgen.uses.registry import Use, find_use

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
    use = None if settings.use is None else find_use(settings.use)
    registration = chosen_algorithm(settings)
    two = registration.takes.streams == 2
    check_domains(settings)
    data, other, offered = _load(settings, group, two, use)
    chosen, validation = hold_out(data.labels, settings.holdout, settings.seed)
    judged = chosen, validation
    if settings.only_class is not None:
        owner = f"'{data.name}'"
        label = Label(data.classes).indices([settings.only_class], owner)[0]
        chosen, validation = (rows[data.labels[rows] == label] for rows in judged)
    refuse_too_few(data.name, chosen, validation)
    if not _varies(data, chosen):
        raise SynthgenError(
            f"{data.name}: the training images of a class are all the same image; a generator "
            "learns from several that differ"
        )
    if offered is None:
        task, streams, given = _streams(settings, registration, data, other, chosen)
    else:
        task, streams = offered, [_stream(offered, data, chosen, settings.seed)]
        given = held_rows(task, data, validation) if isinstance(data, Records) else None
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


Loaded = tuple[ImageData | Records, ImageData | None, Task | None]


def _load(settings: TrainSettings, group: Ranks, two: bool, use: Use | None) -> Loaded:
    """The rows, the other domain's images where there are two, and the task that a use makes of
    what is offered; the first rank decodes them."""

    def load() -> Loaded:
        if use is not None:
            data, task = load_for(settings, use)
            return data, None, task
        images = load_images(settings)
        return images, load_source(settings, images) if two else None, None

    if group.leads:
        found = load()
        for line in (*found[0].lines(), *(f"skipped: {each}" for each in found[0].skipped)):
            say(line)
    group.wait()
    return found if group.leads else load()


def _streams(
    settings: DecidedTrainSettings,
    registration: Registration,
    data: ImageData | Records,
    other: ImageData | None,
    chosen: np.ndarray,
) -> tuple[Task, list[Stream], GivenRows | None]:
    """The task, the rows of each of its streams, and held-out images of the second kind."""
    streams = [Stream({"image": data.images, "label": data.labels}, chosen, settings.seed)]
    if other is None:
        return label_to_image(data.classes, data.image), streams, None
    names = settings.source_domain or other.name, settings.domain or data.name
    shows = names if names[0] != names[1] else (f"{names[0]} (source)", names[1])
    learnt, held = hold_out(other.labels, settings.holdout, settings.seed)
    columns = {"source": other.images, "label": other.labels}
    streams.append(Stream(columns, learnt, settings.seed + 1))
    task = registration.takes.task(data.classes, data.image, shows)
    given = GivenRows({"source": other.images[held]}, other.labels[held])
    return task, streams, given if task.others else None


def _stream(task: Task, data: ImageData | Records, chosen: np.ndarray, seed: int) -> Stream:
    """The rows of a task of one stream."""
    found = {"image": data.images} if isinstance(data, ImageData) else dict(data.columns)
    columns = {n: data.labels if n == task.stratum else found[n] for n in task.streams[0]}
    return Stream(columns, chosen, seed)


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
    registration = chosen_algorithm(settings)
    name, two = registration.name, registration.takes.streams == 2
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
