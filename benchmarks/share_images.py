"""The images of the page ``share``: real ones, datasets of a generator, endless samples, noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthgen.data.cache import ImageData, load_images
from synthgen.data.splits import Labelled
from synthgen.generators.generator import Generator
from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec, to_uint8
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.soft_labels import SOFT_LABEL
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.finished.origin import trained
from synthgen.stages.judging.teachers import Teachers
from synthgen.stages.judging.training_rows import training_rows
from synthgen.stages.sample.stage import sample

TOGETHER = 128
FRESH = 1_000_000
"""Endless samples are candidates of shards from here on, which no dataset has."""
SIDES = (1, 2, 4, 7)
"""Noise is mixed from noises of so many patches a side, and of single pixels."""


@dataclass(frozen=True)
class Real:
    """Images that a generator learnt from, those that its training held out, and test images."""

    train: ImageData
    learnt: np.ndarray
    """``int64``: rows of ``train``, as ``held``."""
    held: np.ndarray
    test: ImageData


@dataclass(frozen=True)
class Made:
    """Images, labels and a teacher's probabilities ``float32 [N, K]``."""

    images: np.ndarray
    labels: np.ndarray
    soft: np.ndarray


def real_of(data: str, generator: Generator, test_split: str = "test") -> Real:
    """The real images of a generator.

    Raises:
        SynthgenError: it was trained on others, or they have no such split.
    """
    common: dict[str, Any] = {
        "data": data, "classes": generator.classes, **generator.image.as_settings(),
    }  # fmt: skip
    train = load_images(DataSettings.parse(common))
    rows = training_rows(trained(generator), train)
    if rows is None:
        raise SynthgenError(
            f"{data}: is not what generator '{generator.name}' was trained on, so nobody's "
            "membership can be told; name its own data and --generator"
        )
    return Real(train, *rows, load_images(DataSettings.parse({**common, "split": test_split})))


def dataset_of(generator: str, out: Path, per_class: int, device: str, **changes: Any) -> Made:
    """The images of a dataset with soft labels, which is made if it is not there."""
    sample(SampleSettings.parse({
        "generator": generator, "out": str(out), "per_class": per_class, "soft_labels": True,
        "device": device, **changes,
    }))  # fmt: skip
    opened = open_dataset(str(out))
    pieces = list(opened.pieces(opened.plan.rows))
    soft = np.asarray(opened.cells(SOFT_LABEL, opened.plan.rows), dtype=np.float32)
    images, labels = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return Made(images, labels, soft)


def fresh_of(generator: Generator, count: int, seed: int, latent_std: float = 1.0) -> Made:
    """As many samples as a training shows, so that none is shown twice: unfiltered, with the
    teacher's word for what they are."""
    classes = len(generator.classes)
    images, labels = [], np.arange(count, dtype=np.int64) % classes
    with Progress(count, "fresh samples") as progress:
        for start in range(0, count, TOGETHER):
            # Always a full batch: the same kernels run whatever is left to make.
            numbers = np.arange(start, start + TOGETHER)
            drawn = generator.candidates(
                numbers % classes, np.full_like(numbers, FRESH + seed), numbers // classes,
                seed=seed, latent_std=latent_std,
            )  # fmt: skip
            images.append(to_uint8(drawn["image"]).cpu().numpy()[: count - start])
            progress.add(len(images[-1]))
    return taught(generator, Labelled(np.concatenate(images), labels))


def noise_of(generator: Generator, count: int, seed: int) -> Made:
    """Noise that knows nothing of the data, mixed from several scales, with the teacher's word for
    what it shows: the control that has its answers alone."""
    image, random = generator.image, np.random.default_rng(seed)
    parts = [mixed_noise(image, min(1000, count - at), random) for at in range(0, count, 1000)]
    images = np.concatenate(parts)
    found = taught(generator, Labelled(images, np.zeros(count, dtype=np.int64)))
    return Made(images, found.soft.argmax(axis=1), found.soft)


def mixed_noise(image: ImageSpec, count: int, random: np.random.Generator) -> np.ndarray:
    """Images ``uint8 [N, H, W, C]``: noises of all scales with random weights, stretched to the
    whole range."""
    sides = [*SIDES, min(image.height, image.width)]
    weights = random.dirichlet(np.ones(len(sides)), size=count)
    total = np.zeros((count, image.height, image.width, image.channels))
    for place, side in enumerate(sides):
        patches = random.normal(size=(count, side, side, image.channels))
        down = np.arange(image.height) * side // image.height
        right = np.arange(image.width) * side // image.width
        total += weights[:, place, None, None, None] * patches[:, down][:, :, right]
    low = total.min(axis=(1, 2, 3), keepdims=True)
    high = total.max(axis=(1, 2, 3), keepdims=True)
    return np.asarray(np.rint(255 * (total - low) / np.maximum(1e-9, high - low)), np.uint8)


def taught(generator: Generator, given: Labelled) -> Made:
    """With what the bundle's label classifier says of the images."""
    soft = Teachers((generator,), generator.classes).say(given.images)
    return Made(given.images, given.labels, soft)


@torch.inference_mode()
def logits_of(
    network: torch.nn.Module, images: np.ndarray, rows: Sequence[int] | np.ndarray
) -> np.ndarray:
    """What a learner on the CPU says of these rows: ``float32 [N, K]``."""
    from synthgen.evaluation.fidelity import embed

    chosen = images[np.asarray(rows, dtype=np.int64)]
    found: np.ndarray = embed(network, chosen, 512, next(network.parameters()).device).numpy()
    return found
