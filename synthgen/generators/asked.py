"""What Python code asks a generator for, and the images that come of classes alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.generators.class_indices import class_indices, whole
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import to_uint8

if TYPE_CHECKING:
    from synthgen.generators.generator import Generator

Given = str | PathLike[str] | np.ndarray | Sequence[Any] | Mapping[str, Sequence[Any]]
"""Rows to make images from: the name of a data set, images (``uint8 [N, H, W(, C)]``, or a list of
them or of Pillow images), or columns by the names of the generator's fields."""


@dataclass(frozen=True)
class Samples:
    """Images, and what else their rows have."""

    images: np.ndarray
    """``uint8 [N, H, W, C]``."""
    columns: Mapping[str, Sequence[Any]]
    """By name, a value for each image: what it was made from and what else was made, as arrays of
    stored rows, texts as texts; the class as ``label``."""


@dataclass(frozen=True)
class Asked:
    """Images that are asked for."""

    labels: str | Sequence[str] | Sequence[int] | None
    seed: int = 0
    truncation: float | None = None
    latent_std: float = 1.0
    batch_size: int = 256
    given: Given | None = None
    prompts: Sequence[str] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of ``synthgen sample`` by name."""

    def __post_init__(self) -> None:
        """Refuse what a run of the command line would refuse.

        Raises:
            SynthgenError: a number is out of its range, or there are two numbers of images.
        """
        for name, value, least in (("seed", self.seed, 0), ("batch_size", self.batch_size, 1)):
            if whole(value) is None or value < least:
                raise SynthgenError(f"sample: {name} is {value!r}, not a whole number from {least}")
        if not (_number(self.latent_std) and 0 < self.latent_std <= WIDEST):
            raise SynthgenError(
                f"sample: latent_std is {self.latent_std!r}, not a number above 0 up to {WIDEST}"
            )
        psi = self.truncation
        if psi is not None and not (_number(psi) and 0 <= psi <= WIDEST):
            raise SynthgenError(
                f"sample: truncation is {self.truncation!r}, not a number from 0 to {WIDEST}, or "
                "None"
            )
        counts = [name for name in ("n", "per_class") if self.settings.get(name) is not None]
        if self.labels is not None and counts:
            raise SynthgenError(
                f"sample: say labels or {counts[0]}, not both: a label is one image of its class"
            )

    @staticmethod
    def of(labels: str | Sequence[str] | Sequence[int] | None, **options: Any) -> Asked:
        """What the arguments of a call ask for."""
        own = {each.name for each in fields(Asked)} - {"labels", "settings"}
        known = {name: value for name, value in options.items() if name in own}
        return Asked(labels, **known, settings={n: v for n, v in options.items() if n not in own})

    @property
    def by_class(self) -> bool:
        """Whether classes alone are asked for."""
        return self.given is None and self.prompts is None and not self.settings


WIDEST = 4
"""Bound of truncation and deviation of latents, as the command line has it."""


def _number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


Maker = Callable[["Generator", Asked], Samples]
"""What makes images under conditions. It reads data and draws conditions, which is the work of
rooms above this one: whoever opens a generator there gives it to the generator."""


def of_classes(generator: Generator, asked: Asked) -> np.ndarray:
    """Images ``uint8 [N, H, W, C]`` for class names or indices; of one name, one image.

    The k-th occurrence of a class is its candidate k in shard 0, so the images do not depend on
    the batch size.

    Raises:
        SynthgenError: a class is not known.
    """
    labels = generator.learnt if asked.labels is None else asked.labels
    wanted = [labels] if isinstance(labels, str) else labels
    indices = class_indices(wanted, generator.classes, f"generator '{generator.name}'")
    numbers = occurrences(indices)
    spec, size = generator.image, asked.batch_size
    images = np.empty((len(indices), spec.height, spec.width, spec.channels), dtype=np.uint8)
    for start in range(0, len(indices), size):
        count = len(indices[start : start + size])
        # Always a full batch: the same kernels run whatever is left to make.
        padded = np.resize(np.arange(start, start + count), size)
        drawn = generator.candidates(
            indices[padded], np.zeros_like(padded), numbers[padded],
            seed=asked.seed, latent_std=asked.latent_std, truncation=asked.truncation,
        )  # fmt: skip
        images[start : start + count] = to_uint8(drawn["image"][:count]).cpu().numpy()
    return images


def occurrences(indices: np.ndarray) -> np.ndarray:
    """How often each entry of ``int64 [N]`` was there before: ``int64 [N]``."""
    seen: dict[int, int] = {}
    numbers = np.empty(len(indices), dtype=np.int64)
    for position, label in enumerate(indices.tolist()):
        numbers[position] = seen.get(label, 0)
        seen[label] = seen.get(label, 0) + 1
    return numbers
