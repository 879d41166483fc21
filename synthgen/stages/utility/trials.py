"""The classifiers that stand behind a table of utility: trained, or found to have been."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from synthgen.data.cache import ImageData
from synthgen.data.splits import Labelled, evenly, few_per_class
from synthgen.evaluation.fidelity import embed
from synthgen.evaluation.membership import attack, margins
from synthgen.evaluation.utility_rows import TrainedOn
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.progress import Progress
from synthgen.spec.learning_baselines import BASELINES
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.stages.finished.dataset import TOGETHER, Dataset
from synthgen.stages.utility.groups import Groups
from synthgen.stages.utility.results import TrialStore
from synthgen.stages.utility.soft_labels import SoftLabels
from synthgen.training.baselines.train import SELF_TRAINING, Baseline, train_baseline
from synthgen.training.fixed_budget import (
    AnyBudget,
    Learner,
    Source,
    confusion,
    train_fixed_budget,
)

ATTACKED = 2_000
"""Real images of either kind that an attack is to tell apart."""
TEACHERS = 1_000_000
"""From here on seeds are those of teachers."""
SHOWN_FROM = 10_000
"""Images from which on reading shows its progress."""


Attacked = tuple[float, float, float]
"""Of an attack: area, balanced accuracy, members found at 1 % false positives."""


@dataclass(frozen=True)
class Kind:
    """One row before it is measured; ``size`` is ``None`` for all real images."""

    trained_on: TrainedOn
    size: int | None
    share: float
    baseline: str = ""

    @property
    def trainings(self) -> int:
        """Classifiers that are trained for it."""
        return 2 if self.baseline == SELF_TRAINING else 1


@dataclass(frozen=True)
class Beside:
    """What is known beside the labels of real images."""

    groups: Groups | None = None
    pool: np.ndarray | None = None
    """Unlabelled images ``uint8 [P, H, W, C]``."""
    pool_fingerprint: str = ""
    tested: int = 0
    """Test images that are in the pool, pixel by pixel."""
    generators_own: np.ndarray | None = None
    """``int64``: real rows that the generator learnt from, where attacks are to tell them."""


def synthetic_images(dataset: Dataset, most: int) -> Labelled:
    """At most ``most`` images of a dataset, over all its shards."""
    count = min(most, dataset.plan.rows)
    images, labels = [], []
    with Progress(count, "reading the dataset", shown=count >= SHOWN_FROM) as progress:
        for part, own in dataset.pieces(most):
            images.append(part)
            labels.append(own)
            progress.add(len(own))
    return Labelled(np.concatenate(images), np.concatenate(labels))


def key_of(
    kind: Kind, seed: int, budget: AnyBudget, fingerprints: tuple[str, str], made: list[Any],
    finish: float,
) -> dict[str, Any]:  # fmt: skip
    """What decides a row's result with a seed, device and arithmetic apart: ``fingerprints`` are
    those of the real images and of the test images, ``made`` is what decides the synthetic ones."""
    real, test = fingerprints
    key: dict[str, Any] = {"budget": asdict(budget), "seed": seed, "test": test}
    if kind.size != 0:
        key["real"] = [real, kind.size]
    if kind.share > 0:
        key["synthetic"] = [*made, kind.share]
    if kind.trained_on == "real + synthetic" and finish > 0:
        key["finish_on_real"] = finish
    if kind.baseline:
        key["baseline"] = kind.baseline
    return key


class Trials:
    """Trains a classifier for a row and a seed, or finds that it has been."""

    def __init__(
        self, settings: UtilitySettings, budget: AnyBudget, real: ImageData, test: ImageData,
        made: Labelled, made_key: list[Any], soft: SoftLabels | None, beside: Beside,
    ) -> None:  # fmt: skip
        self.beside = beside
        self._budget = budget
        self._finish = settings.finish_on_real
        self._real = real
        self._test = test
        self._made = made
        self._made_key = made_key
        self._soft = soft
        self._teachers = settings.teachers
        self._taught: tuple[Any, np.ndarray] | None = None
        """The newest of :meth:`_said_by_teachers`, and of whom."""
        self._device = resolve_device(settings.device)
        self._precision = resolve_precision(settings.precision, self._device)
        self._store = TrialStore(settings.cache_dir)
        self._newest: tuple[tuple[Kind, int], Learner] | None = None

    def knows(self, kind: Kind, seed: int) -> bool:
        """Whether the result is there already."""
        return self._store.has(self._key(kind, seed))

    def _key(self, kind: Kind, seed: int) -> dict[str, Any]:
        fingerprints = self._real.fingerprint, self._test.fingerprint
        key = {
            **key_of(kind, seed, self._budget, fingerprints, self._made_key, self._finish),
            "device": self._device.type, "precision": str(self._precision),
        }  # fmt: skip
        if kind.share > 0 and self._soft is not None:
            key["soft_labels"] = self._soft.classifier_sha256
        if kind.trained_on == "real + synthetic" and self._teachers:
            key["teachers"] = self._teachers
        if self.beside.groups is not None:
            key["groups"] = self.beside.groups.key
        if kind.baseline and BASELINES[kind.baseline] == "pool":
            key["pool"] = self.beside.pool_fingerprint
        return key

    def result(self, kind: Kind, seed: int, progress: Callable[[int], Any]) -> np.ndarray:
        """Confusion counts ``int64 [K, K]`` on the test images, or ``[V, K, K]`` for the values
        of a column of groups; the seed chooses the few real images as well."""
        counts, known = self._store.get(
            self._key(kind, seed), lambda: self._counts(self._learner(kind, seed, progress))
        )
        if known:
            progress(kind.trainings * self._budget.steps * self._budget.batch_size)
        return counts

    def attacked(self, kind: Kind, seed: int) -> Attacked:
        """How well an attack on the classifier's answers tells real images that stand behind it
        from test images."""

        def measure() -> np.ndarray:
            newest = self._newest  # of the result that was asked for just before, mostly
            known = newest is not None and newest[0] == (kind, seed)
            network = newest[1] if newest and known else self._learner(kind, seed, lambda n: None)
            own = self.beside.generators_own if kind.size == 0 else self._real_rows(kind, seed)
            assert own is not None
            members = own[evenly(len(own), ATTACKED)]
            others = evenly(len(self._test.labels), ATTACKED)
            scores = (
                margins(
                    embed(network, data.images[rows], TOGETHER, self._device).numpy(),
                    data.labels[rows],
                )
                for data, rows in ((self._real, members), (self._test, others))
            )
            found = attack(*scores)
            return np.array([found.area, found.balanced_accuracy, found.found])

        key = {**self._key(kind, seed), "attacked": ATTACKED, "saw": self._real.fingerprint}
        area, balanced, found = self._store.get(key, measure)[0].tolist()
        return area, balanced, found

    def _learner(self, kind: Kind, seed: int, progress: Callable[[int], Any]) -> Learner:
        """The classifier of a row and a seed, trained."""
        if kind.baseline:
            network = self._by_baseline(kind, seed, progress)
        else:
            both = kind.trained_on == "real + synthetic"
            network = train_fixed_budget(
                self._sources(kind, seed, both), len(self._real.classes), self._budget, seed=seed,
                device=self._device, precision=self._precision,
                first_alone=self._finish if both else 0.0, progress=progress,
            )  # fmt: skip
        self._newest = (kind, seed), network
        return network

    def _sources(self, kind: Kind, seed: int, both: bool) -> list[Source]:
        real, made, sources = self._real, self._made, []
        if kind.size != 0:
            rows = self._real_rows(kind, seed)
            sources.append(Source(real.images, real.labels, rows, 1 - kind.share))
        if kind.share > 0:
            rows = np.arange(len(made.labels))
            soft = None if self._soft is None else self._soft.probabilities
            if both and self._teachers:
                soft = self._said_by_teachers(kind, seed)
            sources.append(Source(made.images, made.labels, rows, kind.share, soft))
        return sources

    def _counts(self, network: Learner) -> np.ndarray:
        test, groups = self._test, self.beside.groups
        if groups is None:
            return confusion(network, test.images, test.labels, self._device)
        parts = [np.flatnonzero(groups.test == value) for value in range(len(groups.values))]
        return np.stack([
            confusion(network, test.images[rows], test.labels[rows], self._device)
            for rows in parts
        ])  # fmt: skip

    def _by_baseline(self, kind: Kind, seed: int, progress: Callable[[int], Any]) -> Learner:
        groups, labels = self.beside.groups, self._real.labels
        source = Source(
            self._real.images, labels, self._real_rows(kind, seed), 1.0,
            groups=None if groups is None else groups.of_real(labels),
        )  # fmt: skip
        return train_baseline(
            Baseline(kind.baseline, self.beside.pool), source, len(self._real.classes),
            self._budget, seed=seed, device=self._device, precision=self._precision,
            progress=progress,
        )  # fmt: skip

    def _real_rows(self, kind: Kind, seed: int) -> np.ndarray:
        if kind.size is None:
            return np.arange(len(self._real.labels))
        return few_per_class(self._real.labels, kind.size, seed)

    def _said_by_teachers(self, kind: Kind, seed: int) -> np.ndarray:
        """Probabilities ``float32 [M, K]`` of the synthetic images: the mean over the teachers,
        who learn as a row of real images alone does, and from the same ones.

        All real images are the same for every seed, so their teachers are too.
        """
        choice = 0 if kind.size is None else seed
        if self._taught is not None and self._taught[0] == (kind.size, choice):
            return self._taught[1]
        rows = self._real_rows(kind, choice)
        source = Source(self._real.images, self._real.labels, rows, 1.0)
        total = np.zeros((len(self._made.labels), len(self._real.classes)), dtype=np.float32)
        steps = self._teachers * self._budget.steps * self._budget.batch_size
        with Progress(steps, "training teachers") as bar:
            for number in range(self._teachers):
                network = train_fixed_budget(
                    [source], len(self._real.classes), self._budget,
                    seed=TEACHERS + 100 * choice + number, device=self._device,
                    precision=self._precision, progress=bar.add,
                )  # fmt: skip
                with torch.inference_mode():
                    for images in self._views():
                        logits = embed(network, images, TOGETHER, self._device)
                        total += logits.softmax(dim=1).numpy()
        self._taught = (kind.size, choice), total / total.sum(axis=1, keepdims=True)
        return self._taught[1]

    def _views(self) -> list[np.ndarray]:
        """The synthetic images, and mirrored if they are shown so."""
        images = self._made.images
        return [images, images[:, :, ::-1].copy()] if self._budget.flip else [images]
