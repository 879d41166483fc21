"""Refined latents of a run: real images to match, and groups of candidates moved once each."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from synthgen.data.strata import load_strata
from synthgen.generators.generator import Generator
from synthgen.generators.latents import latents
from synthgen.networks.random_features import RandomFeatures
from synthgen.sampling.refining import (
    GROUP,
    NETWORKS,
    Targets,
    networks_for,
    one_thread,
    refine,
    targets_of,
)
from synthgen.spec.errors import SynthgenError
from synthgen.spec.refinement import Refinement
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.storage.cache import cache_root, kept

MOST_REAL = 1000
"""Real images of each class that are looked at: their mean is known to a thirtieth of their
spread."""
SHARDS_KNOWN = 4
"""Shards whose refined latents are kept: more than are made at a time."""


@dataclass(frozen=True)
class Aim:
    """What a run's latents are refined towards."""

    targets: Targets
    record: Refinement


def aim_of(settings: SampleSettings, generator: Generator, classes: Sequence[str]) -> Aim | None:
    """What the real images that the settings name look like to random networks; ``None`` where
    latents stay as they are drawn. Kept in the cache folder.

    Raises:
        SynthgenError: the generator makes images of more than noise and a class, or the real images
            cannot be read, or lack a class.
    """
    if settings.refine_latents is None or settings.real is None:
        return None
    if generator.translates or generator.domains or not generator.latent_size:
        raise SynthgenError(
            f"generator '{generator.name}' makes images of more than noise and a class: its "
            "latents cannot be refined; leave out --refine-latents"
        )
    if generator.task.stratum is not None and generator.classifier is None:
        raise SynthgenError(
            f"generator '{generator.name}' has no label classifier to keep refined images in their "
            "classes by; leave out --refine-latents"
        )
    asked = DataSettings.parse({
        "data": settings.real, "split": settings.real_split, "structure": settings.structure,
        "image_column": settings.image_column, "label_column": settings.label_column,
        "classes": tuple(classes), **generator.image.as_settings(), "min_per_class": 2,
        "limit_per_class": MOST_REAL,
    })  # fmt: skip
    real = load_strata(asked)
    key = hashlib.sha256(f"{real.fingerprint} {list(classes)} {NETWORKS}".encode()).hexdigest()

    def fill(staging: Path) -> None:
        networks = networks_for(generator.image)
        found = targets_of(networks, real.images, real.labels, len(classes))
        save_file({"means": found.means, "spreads": found.spreads}, staging / "targets.safetensors")

    folder = kept(cache_root() / "refining" / key[:32], fill)
    stored = load_file(folder / "targets.safetensors")
    targets = Targets(stored["means"], stored["spreads"])
    record = Refinement(
        settings.refine_latents, GROUP, NETWORKS, len(real.labels), real.fingerprint,
        targets.sha256,
    )  # fmt: skip
    return Aim(targets, record)


@dataclass
class Refined:
    """A generator whose candidates' latents are refined: gives candidates as it does itself.

    Candidates ``64 g`` to ``64 g + 63`` of a class and shard are moved together, once, whichever of
    them are asked for, and by one thread alone: a candidate's image depends on its numbers, not on
    who else is made.
    """

    generator: Generator
    class_keys: tuple[int, ...]
    """The generator's index of each class of the targets."""
    aim: Aim
    _groups: dict[int, dict[tuple[int, int], Future[Tensor]]] = field(default_factory=dict)
    """By shard, then by class and group, in the order in which shards were begun."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def _networks(self) -> tuple[RandomFeatures, ...]:
        device = self.generator.device
        return tuple(each.to(device) for each in networks_for(self.generator.image))

    def candidates(
        self, labels: np.ndarray, shards: np.ndarray, candidates: np.ndarray, *,
        seed: int, latent_std: float = 1.0, truncation: float | None = None,
    ) -> dict[str, Tensor]:  # fmt: skip
        """See :meth:`Generator.candidates`; all candidates are of one shard.

        Raises:
            SynthgenError: images do not follow from latents by gradients.
        """
        shard = int(shards[0])
        drawn = _Drawn(seed, shard, latent_std, truncation)
        wanted = sorted(set(zip(labels.tolist(), (candidates // GROUP).tolist(), strict=True)))
        known = self._of_shard(shard)
        for key in wanted:
            with self._lock:
                mine = key not in known
                if mine:
                    known[key] = Future()
            if mine:  # else another thread is at it: whoever comes next takes another group
                self._fill(known[key], key, drawn)
        groups = {key: known[key].result() for key in wanted}
        flat = torch.stack([
            groups[label, number // GROUP][number % GROUP]
            for label, number in zip(labels.tolist(), candidates.tolist(), strict=True)
        ])  # fmt: skip
        psi = drawn.psi(self.generator)
        return self.generator.generate(flat, torch.from_numpy(labels), psi=psi)

    def _of_shard(self, shard: int) -> dict[tuple[int, int], Future[Tensor]]:
        with self._lock:
            if shard not in self._groups:
                self._groups[shard] = {}
                if len(self._groups) > SHARDS_KNOWN:
                    del self._groups[next(iter(self._groups))]
            return self._groups[shard]

    def _fill(self, future: Future[Tensor], key: tuple[int, int], drawn: _Drawn) -> None:
        try:
            future.set_result(self._refined(*key, drawn))
        except BaseException as error:
            future.set_exception(error)
            raise

    def _refined(self, label: int, group: int, drawn: _Drawn) -> Tensor:
        """The latents ``float32 [64, latent_size]`` of one group, on the CPU."""
        generator, steps = self.generator, self.aim.record.steps
        numbers = GROUP * group + np.arange(GROUP)
        labels = np.full_like(numbers, label)
        start = latents(
            drawn.seed, labels, np.full_like(numbers, drawn.shard), numbers, generator.latent_size,
            std=drawn.std, truncation=None if generator.truncates else drawn.truncation,
        )  # fmt: skip
        keys, psi = torch.from_numpy(labels), drawn.psi(generator)

        def images(flat: Tensor) -> Tensor:
            return generator.generate(flat, keys, psi=psi)["image"]

        try:
            with one_thread():
                moved = refine(
                    images, torch.from_numpy(start).to(generator.device),
                    self.class_keys.index(label), self._networks, self.aim.targets, steps,
                    scale=drawn.std, doubt=self._doubt(label),
                )  # fmt: skip
        except ValueError:
            raise SynthgenError(
                f"generator '{generator.name}': its images do not follow from its latents by "
                "gradients; leave out --refine-latents"
            ) from None
        return moved.cpu()

    def _doubt(self, label: int) -> Callable[[Tensor], Tensor] | None:
        """How little images show the class, to the bundle's label classifier; ``None`` where there
        are no labels."""
        classifier = self.generator.classifier
        if self.generator.task.stratum is None or classifier is None:
            return None
        return lambda images: -classifier(images).log_softmax(dim=1)[:, label]


@dataclass(frozen=True)
class _Drawn:
    """By what latents are drawn, beside class and candidate."""

    seed: int
    shard: int
    std: float
    truncation: float | None

    def psi(self, generator: Generator) -> float:
        """The truncation of a generator that truncates by itself."""
        return self.truncation if generator.truncates and self.truncation is not None else 1.0
