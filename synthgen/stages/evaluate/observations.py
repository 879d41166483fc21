"""Looking at images: features from the cache, small pixels, hashes, the classifier's answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from synthgen.generators.generator import Generator
from synthgen.machine.progress import Progress
from synthgen.spec.image import to_float
from synthgen.stages.evaluate.real_images import RealImages
from synthgen.stages.finished.dataset import TOGETHER, Dataset
from synthgen.stages.judging.feature_cache import FeatureCache
from synthgen.stages.judging.pixel_hashes import hashes_of

THUMBNAIL = 16


@dataclass(frozen=True)
class Looked:
    """What was seen of some images: features, small grey values, labels, a hash of the pixels (and
    of their mirror image), and whether the label classifier agrees (-1 where there is none)."""

    features: Tensor
    thumbnails: Tensor
    labels: np.ndarray
    hashes: np.ndarray
    mirrored: np.ndarray
    agrees: np.ndarray


class Judge:
    """Looks at images, piece by piece, with features from the cache."""

    def __init__(
        self, generator: Generator | None, dataset: Dataset, cache: FeatureCache,
        device: torch.device,
    ) -> None:  # fmt: skip
        self._classifier = generator.classifier if generator and generator.task.stratum else None
        known = generator.classes if generator else dataset.plan.classes
        self._keys = np.array([known.index(name) for name in dataset.plan.classes])
        self._cache = cache
        self._device = device

    def look(
        self, pieces: Iterable[tuple[np.ndarray, np.ndarray]], count: int, what: str
    ) -> Looked:
        """All there is to see of images ``uint8 [n, H, W, C]`` with labels."""
        parts: list[Looked] = []
        with Progress(count, what) as progress:
            for images, labels in pieces:
                parts.append(
                    Looked(
                        self._cache.features(images), _thumbnails(images), labels,
                        hashes_of(images), hashes_of(images[:, :, ::-1]),
                        self._agrees(images, labels),
                    )
                )  # fmt: skip
                progress.add(len(labels))
        return Looked(
            torch.cat([part.features for part in parts]),
            torch.cat([part.thumbnails for part in parts]),
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("labels", "hashes", "mirrored", "agrees")
            ),
        )

    def look_at(self, real: RealImages, rows: np.ndarray, what: str) -> Looked:
        """What is to be known of these rows of the real images."""
        parts = pieces_of(rows)
        pieces = ((real.data.images[part], real.labels[part]) for part in parts)
        return self.look(pieces, len(rows), what)

    def features_at(
        self, real: RealImages, rows: np.ndarray, known: Looked, known_rows: np.ndarray
    ) -> Tensor:
        """Features of some rows; those of ``known_rows`` of the same images are known already."""
        old = np.isin(rows, known_rows)
        place = np.searchsorted(known_rows, rows)
        features = torch.empty(len(rows), known.features.shape[1])
        features[torch.from_numpy(old)] = known.features[torch.from_numpy(place[old])]
        new = rows[~old]
        if len(new):
            with Progress(len(new), "training images") as progress:
                found = []
                for part in pieces_of(new):
                    found.append(self._cache.features(real.data.images[part]))
                    progress.add(len(part))
            features[torch.from_numpy(~old)] = torch.cat(found)
        return features

    @torch.inference_mode()
    def _agrees(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        if self._classifier is None:
            return np.full(len(labels), -1)
        pixels = to_float(torch.from_numpy(np.ascontiguousarray(images)).to(self._device))
        guess = self._classifier(pixels).argmax(dim=1).cpu().numpy()
        right: np.ndarray = (guess == self._keys[labels]).astype(np.int64)
        return right


def pieces_of(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER)]


def _thumbnails(images: np.ndarray) -> Tensor:
    """Pixels ``float32 [N, F]``, of larger images averaged down to :data:`THUMBNAIL` a side."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
    if max(pixels.shape[2:]) > THUMBNAIL:
        pixels = adaptive_avg_pool2d(pixels, THUMBNAIL)
    return pixels.flatten(1)
