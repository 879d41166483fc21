"""A generator that translates, together with the real images that it translates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from synthgen.data.cache import ImageData, load_images
from synthgen.generators.generator import Generator
from synthgen.sampling.source_images import SourceImages
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import to_float
from synthgen.spec.plan import Plan
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings


def load_sources(
    settings: SampleSettings, generator: Generator, classes: Sequence[str]
) -> ImageData | None:
    """The images to translate, of the generator's size and mode; ``None`` if it needs none.

    Raises:
        SynthgenError: they are needed and not given, or given and not needed, or lack a class.
    """
    if not generator.translates:
        if settings.source is not None:
            raise SynthgenError(
                f"generator '{generator.name}' makes images from noise; leave out --source"
            )
        return None
    if settings.source is None:
        raise SynthgenError(
            f"generator '{generator.name}' translates images of '{generator.domains[0]}' into "
            f"images of '{generator.domains[1]}': give the images to translate with --source"
        )
    wanted = {
        "data": settings.source,
        "split": settings.source_split,
        "domain": settings.source_domain,
        "domain_column": settings.source_domain_column,
        "classes": tuple(classes),
        **generator.image.as_settings(),
        "min_per_class": 1,
    }
    return load_images(DataSettings.parse(wanted))


class Translator:
    """Gives candidates as a :class:`Generator` does, from source images in place of noise."""

    def __init__(
        self, generator: Generator, data: ImageData, plan: Plan, class_keys: Sequence[int]
    ) -> None:
        self._generator = generator
        self.sources = SourceImages(data.images, data.labels, plan)
        self._position = {key: label for label, key in enumerate(class_keys)}

    def candidates(
        self,
        labels: np.ndarray,
        shards: np.ndarray,
        candidates: np.ndarray,
        *,
        seed: int,
        latent_std: float = 1.0,
        truncation: float | None = None,
    ) -> dict[str, Tensor]:
        """See :meth:`Generator.candidates`; all candidates are of one shard."""
        positions = [self._position[key] for key in labels.tolist()]
        rows = self.sources.rows(int(shards[0]), positions, candidates.tolist())
        images = to_float(torch.from_numpy(self.sources.images(rows)))
        return self._generator.candidates(
            labels, shards, candidates,
            seed=seed, latent_std=latent_std, truncation=truncation, source=images,
        )  # fmt: skip
