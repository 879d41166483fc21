"""How good the averaged generator is at a tick, against held-out real images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthgen.algorithms.contract import Tensors
from synthgen.evaluation.diversity import class_diversity
from synthgen.evaluation.fidelity import embed, frechet_distance
from synthgen.features.classifier import LabelClassifier
from synthgen.generators.latents import latents
from synthgen.spec.image import to_float, to_uint8
from synthgen.training.augment import no_augmentation
from synthgen.training.loop import Training

BATCH = 256
GRID_COLUMNS = 10
GRID_CLASSES = 20
SCORE_SEED = 20_241_124
"""The latents that are scored are the same at every tick, so that ticks can be compared."""


@dataclass(frozen=True)
class Score:
    """``frechet`` is lower the better; ``agreement`` the share of samples that the classifier gives
    their own label; ``diversity`` the mean over classes of the samples' spread in feature space
    as a share of the real images'. ``grid`` is ``uint8 [rows * columns, H, W, C]``.
    """

    frechet: float
    agreement: float
    diversity: float
    grid: np.ndarray
    columns: int


class ProgressScore:
    """Fréchet distance on the label classifier's features; ``real`` is the same for real images.

    The distance belongs to this classifier: it compares ticks of one run, never two runs.
    """

    def __init__(
        self,
        classifier: LabelClassifier,
        held_images: np.ndarray,
        held_labels: np.ndarray,
        train_images: np.ndarray,
        samples: int,
        device: torch.device,
        precision: torch.dtype,
    ) -> None:
        """Image arrays are ``uint8 [N, H, W, C]``; labels ``int64 [N]``."""
        self._classifier = classifier
        self._device = device
        self._precision = precision
        self._held = embed(self._features, held_images, BATCH, device)
        self.real = frechet_distance(embed(self._features, train_images, BATCH, device), self._held)
        # As many of each class as among the held-out images, whatever the number of samples.
        repeats = -(-samples // len(held_labels))
        order = np.random.default_rng(0).permutation(np.tile(held_labels, repeats))
        self._labels = order[:samples].astype(np.int64)
        self._spread = class_diversity(
            self._held, torch.from_numpy(held_labels), int(held_labels.max()) + 1
        )

    def _features(self, images: Tensor) -> Tensor:
        return self._classifier.features(images)

    def of(self, training: Training) -> Score:
        """Score the averaged generator of ``training``."""
        images = self._draw(training, self._labels)
        embedded = embed(self._features, images, BATCH, self._device)
        labels = torch.from_numpy(self._labels)
        spread = class_diversity(embedded, labels, len(self._spread))
        shares = spread / self._spread
        classes = np.arange(min(GRID_CLASSES, len(self._spread)), dtype=np.int64)
        grid = self._draw(training, classes.repeat(GRID_COLUMNS))
        return Score(
            frechet=frechet_distance(embedded, self._held),
            agreement=self._agreement(images, labels),
            diversity=float(shares[torch.isfinite(shares)].mean()),
            grid=grid,
            columns=GRID_COLUMNS,
        )

    @torch.inference_mode()
    def _agreement(self, images: np.ndarray, labels: Tensor) -> float:
        right = 0
        for start in range(0, len(images), BATCH):
            batch = to_float(torch.from_numpy(images[start : start + BATCH]).to(self._device))
            guess = self._classifier(batch).argmax(dim=1).cpu()
            right += int((guess == labels[start : start + BATCH]).sum())
        return right / len(images)

    @torch.inference_mode()
    def _draw(self, training: Training, labels: np.ndarray) -> np.ndarray:
        algorithm = training.algorithm
        networks = {**algorithm.networks, **training.averaged.networks}
        size = sum(latent.size for latent in algorithm.latents.values())
        numbers = np.arange(len(labels))
        flat = torch.from_numpy(
            latents(SCORE_SEED, np.zeros_like(numbers), np.zeros_like(numbers), numbers, size)
        )
        drawn = []
        for start in range(0, len(labels), BATCH):
            part = flat[start : start + BATCH].to(self._device)
            given = {"label": torch.from_numpy(labels[start : start + BATCH]).to(self._device)}
            sizes = [latent.size for latent in algorithm.latents.values()]
            pieces = torch.split(part, sizes, dim=1)
            for (name, latent), piece in zip(algorithm.latents.items(), pieces, strict=True):
                given[name] = piece.reshape(-1, *latent.shape)
            tensors = Tensors(networks, algorithm.tensors, given, {}, no_augmentation)
            with torch.autocast(
                self._device.type, self._precision, enabled=self._precision != torch.float32
            ):
                drawn.append(to_uint8(tensors[algorithm.samples["image"]]).cpu().numpy())
        return np.concatenate(drawn)
