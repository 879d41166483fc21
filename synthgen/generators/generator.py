"""A generator in memory: latents and labels to images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from synthgen.algorithms.registry import build
from synthgen.generators.asked import Asked, Given, Maker, Samples, of_classes
from synthgen.generators.discriminator import Discriminator, ImageJudge
from synthgen.generators.drawing import draw, latent_size
from synthgen.generators.format import (
    CALIBRATION,
    GENERATOR,
    JUDGES,
    LAW,
    REFERENCE,
    BundleConfig,
    read_config,
)
from synthgen.generators.latents import latents
from synthgen.generators.reading import load_tensors, load_weights, read_json, refuse_larger
from synthgen.generators.seers import load_classifier, load_readers
from synthgen.networks.baking import bake
from synthgen.networks.outline import outline
from synthgen.networks.placement import place
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import sampled


class Generator:
    """A bundle loaded on a device. Attributes are read-only by intent.

    ``classifier`` (label classifier, or ``None``), ``readers`` (of given fields, by field),
    ``calibration`` (JSON, or ``None``) and
    ``reference`` (tensors by name, or ``None``) come from the bundle as well.
    """

    maker: Maker | None = None

    def __init__(
        self, folder: Path, name: str, device: torch.device, precision: torch.dtype
    ) -> None:
        """Load the bundle in ``folder``.

        Raises:
            SynthgenError: the folder is no bundle, or is damaged, or is of other networks.
        """
        self.name = name
        self.folder = folder
        self.config: BundleConfig = read_config(folder)
        self.task = self.config.read_task()
        self.device = device
        self.precision = precision
        self._most: int | None = None
        """Images that fit into the device's memory at once, once that has been found out."""
        with outline():  # before memory is taken for what a file only claims to hold
            refuse_larger(
                folder,
                self.config,
                build(self.config.algorithm, self.task, self.config.options),
            )
        algorithm = build(self.config.algorithm, self.task, self.config.options)
        declared = {key: latent.shape for key, latent in algorithm.latents.items()}
        if declared != self.config.latents:
            raise SynthgenError(
                f"{folder}: its latents are {self.config.latents}, but algorithm "
                f"'{self.config.algorithm}' takes {declared}"
            )
        networks = nn.ModuleDict({key: algorithm.networks[key] for key in algorithm.generators})
        if not load_weights(folder, self.config, GENERATOR, networks):
            raise SynthgenError(f"{folder}: the bundle names no {GENERATOR}")
        self._networks = bake(place(networks, device).eval())
        self._algorithm = algorithm
        self.classifier = load_classifier(folder, self.config, device)
        self.readers = load_readers(folder, self.config, self.task, device)
        self.calibration = read_json(folder, self.config, CALIBRATION)
        self.reference = load_tensors(folder, self.config, REFERENCE)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; their position is the label of :meth:`generate`."""
        return self.task.classes

    @property
    def learnt(self) -> tuple[str, ...]:
        """The classes that it was trained on: all, but for a part of a set, which knows one."""
        only = self.config.training.get("only_class")
        return tuple(name for name in self.classes if only is None or name == only)

    @property
    def image(self) -> ImageSpec:
        """Size and channels of the images."""
        return self.task.image

    @property
    def latent_size(self) -> int:
        """Length of the flat latent vector: all named latents one after another."""
        return latent_size(self._algorithm)

    @property
    def truncates(self) -> bool:
        """Whether it truncates by itself, not by its latents' law."""
        return self._algorithm.truncates

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the source's and the target's kind of image; empty unless there are two."""
        return self.task.kinds

    @property
    def given(self) -> tuple[str, ...]:
        """Fields that sampling must be given beside the class: of real rows, drawn or set."""
        return tuple(name for name in self.task.given if name != self.task.stratum)

    @property
    def translates(self) -> bool:
        """Whether it must be given anything beside the class."""
        return bool(self.given)

    @property
    def weights_sha256(self) -> str:
        """SHA-256 (hex) of the generator's weights file."""
        return self.config.files[GENERATOR]

    @cached_property
    def law(self) -> dict[str, Tensor] | None:
        """Rows of what was given in training, by field, and their ``strata``: conditions are drawn
        from them; ``None`` if the bundle keeps none."""
        return load_tensors(self.folder, self.config, LAW)

    @property
    def law_sha256(self) -> str | None:
        """SHA-256 (hex) of the file of these rows; ``None`` if there is none."""
        return self.config.files.get(LAW)

    @cached_property
    def discriminator(self) -> ImageJudge | None:
        """What judged the ``image`` column in training; ``None`` if the bundle was saved without.

        Read from the bundle when it is first asked for.

        Raises:
            SynthgenError: its file is damaged, or is of other networks.
        """
        return self._read_discriminator()

    @property
    def discriminator_sha256(self) -> str | None:
        """SHA-256 (hex) of the discriminator's weights file; ``None`` if there is none."""
        return self.config.files.get(JUDGES)

    def _read_discriminator(self) -> ImageJudge | None:
        # Of a condition that is no class, a logit for an image and a class says nothing.
        names = self._algorithm.judges if self.task.by_class else ()
        networks = nn.ModuleDict({key: self._algorithm.networks[key] for key in names})
        if not names or not load_weights(self.folder, self.config, JUDGES, networks):
            return None
        return Discriminator(networks[names[0]], self.image, self.device)

    def compile(self, batch_size: int) -> None:
        """Compile the networks for batches of this size, for the calling thread's cores.

        Images change by rounding: in bfloat16 by a third of a grey level in the mean and by up to
        ten in single pixels, as much as float32's differ; in float32 by a level at most. Call it in
        a thread like those that will generate, before they do.

        Raises:
            SynthgenError: they cannot be compiled here, or the generator translates.
        """
        if self.translates:
            raise SynthgenError(f"generator '{self.name}' translates: it cannot be compiled")
        for key in self._networks:
            # One compilation for the one size; never a second one, for any, while images are made.
            self._networks[key] = torch.compile(self._networks[key], dynamic=False)  # type: ignore
        numbers = np.zeros(batch_size, dtype=np.int64)
        try:
            self.candidates(numbers, numbers, numbers, seed=0)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # what a compiler may raise is no closed list
            why = " ".join(str(error).split())[:200]
            raise SynthgenError(
                f"generator '{self.name}' cannot be compiled here, leave out --compile: {why}"
            ) from None

    def generate(
        self,
        flat: Tensor,
        labels: Tensor,
        *,
        psi: float = 1.0,
        given: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Latents, labels and what else is given to columns: ``image``, and others by the task.

        Images are ``float32 [N, C, H, W]`` on the generator's device; about [-1, 1], not clamped,
        and not finite if the weights are bad.

        Args:
            flat: ``float32 [N, latent_size]``.
            labels: ``int64 [N]``.
            psi: truncation of generators that truncate by themselves; 1 is off.
            given: the fields of :attr:`given`, as networks take them.
        """
        further = {name: value.to(self.device) for name, value in (given or {}).items()}
        known = sampled(self.task, labels.to(self.device), further)
        networks = dict(self._networks.items())
        flat = flat.to(self.device)
        while True:
            size = min(len(flat), self._most or len(flat))
            try:
                parts = [
                    draw(
                        self._algorithm, networks, flat[at : at + size],
                        {name: value[at : at + size] for name, value in known.items()},
                        self.precision, psi,
                    )
                    for at in range(0, len(flat), size)
                ]  # fmt: skip
                return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                self._most = size // 2
                torch.cuda.empty_cache()

    def candidates(
        self,
        labels: np.ndarray,
        shards: np.ndarray,
        candidates: np.ndarray,
        *,
        seed: int,
        latent_std: float = 1.0,
        truncation: float | None = None,
        given: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """The images of candidates given by their numbers, as :meth:`generate` gives them.

        All three arrays are ``int64 [N]``.
        """
        own = self.truncates
        flat = latents(
            seed, labels, shards, candidates, self.latent_size, std=latent_std,
            truncation=None if own else truncation,
        )  # fmt: skip
        psi = truncation if own and truncation is not None else 1.0
        return self.generate(torch.from_numpy(flat), torch.from_numpy(labels), psi=psi, given=given)

    def sample(
        self, labels: str | Sequence[str] | Sequence[int] | None = None, *, seed: int = 0,
        truncation: float | None = None, latent_std: float = 1.0, batch_size: int = 256,
        given: Given | None = None, prompts: Sequence[str] | None = None, **settings: Any,
    ) -> np.ndarray:  # fmt: skip
        """Images ``uint8 [N, H, W, C]``: of class names or indices (of one name, one image; by
        default one of each class), of given rows in their order, or one of each prompt.

        The k-th occurrence of a class is its candidate k in shard 0. Of a generator that makes
        pairs, the target's images. What they were made from as well: :meth:`sample_rows`.

        Args:
            labels: classes, one for each image.
            seed: of every image.
            truncation, latent_std: of the latents; off, and one, by default.
            batch_size: images that are made at a time.
            given: rows to make images from: a data set, images, or columns by field.
            prompts: captions to make images of.
            settings: others of ``synthgen sample``: ``set={"smiling": 1}``, ``balance``, ``n``.

        Raises:
            SynthgenError: a class is not known, or what the generator is given is missing or wrong.
        """
        asked = Asked(labels, seed, truncation, latent_std, batch_size, given, prompts, settings)
        if asked.by_class and not self.translates:
            return of_classes(self, asked)
        return self._made(asked).images

    def sample_rows(
        self, labels: str | Sequence[str] | Sequence[int] | None = None, **asked: Any
    ) -> Samples:
        """The images of :meth:`sample`, which takes the same, with what they were made from, as
        ``synthgen sample`` writes it: ``images uint8 [N, H, W, C]`` and ``columns`` by name."""
        return self._made(Asked.of(labels, **asked))

    def _made(self, asked: Asked) -> Samples:
        if self.maker is None:
            raise SynthgenError(
                f"generator '{self.name}': images from {name_list(self.given) or 'conditions'} are "
                "made by one that synthgen.load_generator has opened"
            )
        return self.maker(self, asked)
