"""How good the averaged generator is at a tick, against held-out real images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthgen.data.splits import Labelled
from synthgen.evaluation.diversity import class_diversity
from synthgen.evaluation.fidelity import embed, frechet_distance
from synthgen.features.classifier import LabelClassifier
from synthgen.generators.drawing import draw, latent_size
from synthgen.generators.latents import latents
from synthgen.spec.image import to_float, to_uint8
from synthgen.spec.task import Task, sampled
from synthgen.stages.train.offered import GivenRows
from synthgen.training.loop import Training
from synthgen.training.spectral import settle_spectral_norms
from synthgen.training.standing import standing_statistics

BATCH = 256
GRID_COLUMNS = 10
GRID_CLASSES = 20
SCORE_SEED = 20_241_124
"""The latents that are scored are the same at every tick, so that ticks can be compared."""


STANDING_BATCHES = 16
"""Fresh batches that a generator's batch norms are set from before it is scored or kept."""


@dataclass(frozen=True)
class Score:
    """``frechet`` is lower the better (``nan`` if an image is not finite); ``agreement`` the share
    of samples that the classifier gives their own label (``None``: they have none); ``diversity``
    the mean over classes of the samples' spread as a share of the real images', in feature space
    or in pixels, whichever is less; ``least_diversity`` that of the class of the index
    ``least_diverse``. ``grid`` is ``uint8 [rows * columns, H, W, C]``.
    """

    frechet: float
    agreement: float | None
    diversity: float
    least_diversity: float
    least_diverse: int
    grid: np.ndarray
    columns: int


@dataclass(frozen=True)
class Own:
    """The conditions of real rows, as networks take them: of those held out, and of the part of
    those trained on that samples are compared with."""

    held: Tensor
    trained: Tensor


class ProgressScore:
    """Fréchet distance on the label classifier's features; ``real`` is the same for real images.

    The distance belongs to this classifier: it compares ticks of one run, never two runs. Of edits
    it is that of features and of what was asked for together (DeVries et al. 2019,
    arXiv:1907.08175): a generator that leaves every image as it is makes images like real ones.
    """

    def __init__(
        self,
        classifier: LabelClassifier,
        held: Labelled,
        trained: Labelled,
        samples: int,
        device: torch.device,
        precision: torch.dtype,
        given: GivenRows | None,
        task: Task,
        own: Own | None = None,
    ) -> None:
        """``held`` is what samples are compared with, ``trained`` a part of the training images;
        ``given`` are rows of what the generator is given beside the class, if it is; ``own`` what
        the images show of what edits are asked for."""
        self._classifier = classifier
        self._device = device
        self._precision = precision
        self._given = given
        self._task = task
        self._own = own
        self._held = embed(self._features, held.images, BATCH, device)
        embedded = embed(self._features, trained.images, BATCH, device)
        self._weight = 1.0 if own is None else _ratio(self._held, own.held)
        known = None if own is None else own.trained
        self.real = self._distance(embedded, known)
        # As many of each class as among the held-out images, whatever the number of samples.
        repeats = -(-samples // len(held.labels))
        order = np.random.default_rng(0).permutation(np.tile(held.labels, repeats))
        self._labels = order[:samples].astype(np.int64)
        count = int(max(held.labels.max(), trained.labels.max())) + 1
        labels = torch.from_numpy(trained.labels)
        self._spread = _spread(embedded, labels, count)
        self._pixel_spread = _spread(_pixels(trained.images), labels, count)

    def _features(self, images: Tensor) -> Tensor:
        return self._classifier.features(images)

    def of(self, training: Training) -> Score:
        """Score the averaged generators of ``training``; settles their spectral norms and sets
        their standing statistics, which are what a bundle keeps."""
        settle_spectral_norms(training.averaged.networks.values())
        standing_statistics(
            training.averaged.networks,
            lambda number: self._draw(training, self._some_labels(number), SCORE_SEED + 1 + number),
            STANDING_BATCHES,
        )
        images, finite = self._draw(training, self._labels, SCORE_SEED)
        asked = None if self._own is None else self._asked()
        embedded = embed(self._features, images, BATCH, self._device)
        labels = torch.from_numpy(self._labels)
        count = len(self._spread)
        # Features exaggerate what small differences there are: a generator that gave one image a
        # class had 0.37 of the real spread in features, and 0.08 of it in pixels.
        shares = torch.minimum(
            class_diversity(embedded, labels, count) / self._spread,
            class_diversity(_pixels(images), labels, count) / self._pixel_spread,
        )
        known = torch.where(torch.isfinite(shares), shares, torch.full_like(shares, torch.inf))
        classes = np.arange(min(GRID_CLASSES, count), dtype=np.int64)
        grid, _ = self._draw(training, classes.repeat(GRID_COLUMNS), SCORE_SEED)
        return Score(
            frechet=self._distance(embedded, asked) if finite else float("nan"),
            agreement=self._agreement(images, labels),
            diversity=float(shares[torch.isfinite(shares)].mean()),
            least_diversity=float(known.min()),
            least_diverse=int(known.argmin()),
            grid=grid,
            columns=GRID_COLUMNS,
        )

    def _distance(self, features: Tensor, told: Tensor | None) -> float:
        """The Fréchet distance of features, beside what is told of each image where it counts."""
        if self._own is None or told is None:
            return frechet_distance(features, self._held)
        pairs = ((features, told), (self._held, self._own.held))
        first, second = (
            torch.cat([each, self._weight * one.to(each)], dim=1) for each, one in pairs
        )
        return frechet_distance(first, second)

    def _asked(self) -> Tensor:
        """What the samples that are scored were asked for, in their order."""
        parts = []
        for start in range(0, len(self._labels), BATCH):
            labels = self._labels[start : start + BATCH]
            rows = self._rows_for(labels, SCORE_SEED + start)
            parts.append(self._task.condition(rows, len(labels)))
        return torch.cat(parts)

    def _rows_for(self, labels: np.ndarray, seed: int) -> dict[str, Tensor]:
        return {} if self._given is None else self._given.of(self._task, labels, seed)

    def _some_labels(self, number: int) -> np.ndarray:
        return np.random.default_rng([1, number]).choice(self._labels, min(BATCH, 128))

    @torch.inference_mode()
    def _agreement(self, images: np.ndarray, labels: Tensor) -> float | None:
        if self._task.stratum is None:
            return None  # there are no labels to agree with
        right = 0
        for start in range(0, len(images), BATCH):
            batch = to_float(torch.from_numpy(images[start : start + BATCH]).to(self._device))
            guess = self._classifier(batch).argmax(dim=1).cpu()
            right += int((guess == labels[start : start + BATCH]).sum())
        return right / len(images)

    def _draw(self, training: Training, labels: np.ndarray, seed: int) -> tuple[np.ndarray, bool]:
        """Images ``uint8 [N, H, W, C]`` of these labels, and whether all values were finite."""
        algorithm = training.algorithm
        networks = {**algorithm.networks, **training.averaged.networks}
        numbers = np.arange(len(labels))
        size = latent_size(algorithm)
        flat = latents(seed, np.zeros_like(numbers), np.zeros_like(numbers), numbers, size)
        drawn, finite = [], True
        for start in range(0, len(labels), BATCH):
            part = slice(start, start + BATCH)
            strata = torch.from_numpy(labels[part]).to(self._device)
            further = {
                name: value.to(self._device)
                for name, value in self._rows_for(labels[part], seed + start).items()
            }
            given = sampled(self._task, strata, further)
            columns = draw(
                algorithm,
                networks,
                torch.from_numpy(flat[part]).to(self._device),
                given,
                self._precision,
            )
            finite = finite and bool(torch.isfinite(columns["image"]).all())
            drawn.append(to_uint8(columns["image"]).cpu().numpy())
        return np.concatenate(drawn), finite


def _ratio(features: Tensor, told: Tensor) -> float:
    """How much longer features are than what is told beside them, in the mean."""
    lengths = [each.double().norm(dim=1).mean().clamp(min=1e-9) for each in (features, told)]
    return float(lengths[0] / lengths[1])


def _pixels(images: np.ndarray) -> Tensor:
    """Flat images ``float32 [N, H * W * C]`` in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images)).flatten(1).float() / 255


def _spread(points: Tensor, labels: Tensor, count: int) -> Tensor:
    """Diversity of each class of real images; a class without any has the others' mean."""
    spread = class_diversity(points, labels, count)
    return torch.where(spread > 0, spread, spread[spread > 0].mean())
