"""The classifiers that stand behind a table of utility: trained, or found to have been."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from synthgen.data.cache import ImageData
from synthgen.data.splits import Labelled, few_per_class
from synthgen.evaluation.fidelity import embed
from synthgen.evaluation.utility import TrainedOn
from synthgen.generators.bundle import CLASSIFIER
from synthgen.generators.devices import resolve_device, resolve_precision
from synthgen.spec.errors import SynthgenError
from synthgen.spec.utility_settings import UtilitySettings
from synthgen.stages.evaluate_images import Dataset
from synthgen.stages.feature_cache import TOGETHER
from synthgen.stages.origin import load_origin
from synthgen.stages.trial_store import TrialStore
from synthgen.training.fixed_budget import Budget, Source, confusion, train_fixed_budget

SHOWN_FROM = 10_000
"""Images from which on reading shows its progress."""


@dataclass(frozen=True)
class Kind:
    """One row before it is measured; ``size`` is ``None`` for all real images."""

    trained_on: TrainedOn
    size: int | None
    share: float


def synthetic_images(dataset: Dataset, most: int) -> Labelled:
    """At most ``most`` images of a dataset, over all its shards."""
    count = min(most, dataset.plan.rows)
    bar = tqdm(total=count, unit="img", desc="reading the dataset", disable=count < SHOWN_FROM)
    images, labels = [], []
    with bar:
        for part, own in dataset.pieces(most):
            images.append(part)
            labels.append(own)
            bar.update(len(own))
    return Labelled(np.concatenate(images), np.concatenate(labels))


@dataclass(frozen=True)
class SoftLabels:
    """Probabilities ``float32 [N, K]`` of the dataset's classes, and whose they are."""

    probabilities: np.ndarray
    classifier_sha256: str


def soft_labels(settings: UtilitySettings, dataset: Dataset, made: Labelled) -> SoftLabels:
    """What the label classifier of the generator's bundle says of the synthetic images.

    It has learnt from the same real images as the generator, so a table's rows keep their promise.

    Raises:
        SynthgenError: the bundle is not to be found, is another one, or has no classifier.
    """
    origin = dataset.manifest["generator"]
    generator = load_origin(
        dataset.layout.root, origin, settings.generator, settings.device, "auto"
    )
    if generator.classifier is None:
        raise SynthgenError(f"generator '{generator.name}' has no label classifier for soft labels")
    keys = [dataset.manifest["class_keys"][name] for name in dataset.plan.classes]
    logits = embed(generator.classifier, made.images, TOGETHER, generator.device)[:, keys]
    return SoftLabels(logits.softmax(dim=1).numpy(), generator.config.files[CLASSIFIER])


class Trials:
    """Trains a classifier for a row and a seed, or finds that it has been."""

    def __init__(
        self, settings: UtilitySettings, budget: Budget, real: ImageData, test: ImageData,
        made: Labelled, made_key: list[Any], soft: SoftLabels | None,
    ) -> None:  # fmt: skip
        self._budget = budget
        self._finish = settings.finish_on_real
        self._real = real
        self._test = test
        self._made = made
        self._made_key = made_key
        self._soft = soft
        self._device = resolve_device(settings.device)
        self._precision = resolve_precision(settings.precision, self._device)
        self._store = TrialStore(settings.cache_dir)

    def result(self, kind: Kind, seed: int, progress: Callable[[int], Any]) -> np.ndarray:
        """Confusion counts ``int64 [K, K]`` on the test images; the seed chooses the few real
        images as well."""
        budget, real, test = self._budget, self._real, self._test
        key = {
            "budget": asdict(budget), "seed": seed, "test": test.fingerprint,
            "device": self._device.type, "precision": str(self._precision),
        }  # fmt: skip
        if kind.size != 0:
            key["real"] = [real.fingerprint, kind.size]
        if kind.share > 0:
            key["synthetic"] = [*self._made_key, kind.share]
            if self._soft is not None:
                key["soft_labels"] = self._soft.classifier_sha256
        finish = self._finish if kind.trained_on == "real + synthetic" else 0.0
        if finish > 0:
            key["finish_on_real"] = finish

        def train() -> np.ndarray:
            sources = []
            if kind.size != 0:
                every = np.arange(len(real.labels))
                rows = every if kind.size is None else few_per_class(real.labels, kind.size, seed)
                sources.append(Source(real.images, real.labels, rows, 1 - kind.share))
            if kind.share > 0:
                made = self._made
                rows = np.arange(len(made.labels))
                soft = None if self._soft is None else self._soft.probabilities
                sources.append(Source(made.images, made.labels, rows, kind.share, soft))
            network = train_fixed_budget(
                sources, len(real.classes), budget, seed=seed, device=self._device,
                precision=self._precision, first_alone=finish, progress=progress,
            )  # fmt: skip
            return confusion(network, test.images, test.labels, self._device)

        counts, known = self._store.get(key, train)
        if known:
            progress(budget.steps * budget.batch_size)
        return counts
