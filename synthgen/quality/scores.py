"""Scores: one number per image and name, computed in batches on the device, before encoding.

They are taken from the quantised pixels, so that they can be computed again from a lossless
dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from synthgen.features.classifier import LabelClassifier
from synthgen.features.fingerprint import fingerprints
from synthgen.quality.reference import Reference
from synthgen.spec.columns import RESERVED, TRAIN_ROW
from synthgen.spec.image import IN_CACHE, to_float
from synthgen.spec.plugins import Plugin, plugins

STATISTICS = ("brightness", "contrast", "entropy", "sharpness", "grain")


def image_statistics(images: Tensor) -> dict[str, Tensor]:
    """Five statistics ``float32 [N]`` of ``uint8 [N, H, W, C]`` images, on the mean over channels.

    brightness: mean grey value, in [0, 1].
    contrast: standard deviation of the grey values, in [0, 0.5].
    entropy: of the histogram of 8 grey levels, in bits, in [0, 3]; so few levels that it does
        not tell images of 16 grey values from images of 256.
    sharpness: standard deviation of the 4-neighbour Laplacian of the grey values.
    grain: sharpness over contrast; 4.5 in the mean for white noise of any strength, and 0 where
        there is no contrast.
    """
    together = max(1, IN_CACHE // max(1, images[:1].numel()))
    if images.device.type == "cpu" and len(images) > together:
        parts = [_statistics(images[i : i + together]) for i in range(0, len(images), together)]
        return {name: torch.cat([part[name] for part in parts]) for name in STATISTICS}
    return _statistics(images)


def _statistics(images: Tensor) -> dict[str, Tensor]:
    grey = images[:, :, :, 0].float()  # [N, H, W]
    for channel in range(1, images.shape[3]):
        grey += images[:, :, :, channel]
    grey /= 255.0 * images.shape[3]
    flat = grey.flatten(1)
    laplacian = 4 * grey[:, 1:-1, 1:-1]
    laplacian -= grey[:, :-2, 1:-1]
    laplacian -= grey[:, 2:, 1:-1]
    laplacian -= grey[:, 1:-1, :-2]
    laplacian -= grey[:, 1:-1, 2:]
    contrast, sharpness = _deviation(flat), _deviation(laplacian.flatten(1))
    return {
        "brightness": flat.mean(dim=1),
        "contrast": contrast,
        "entropy": _entropy(flat, levels=8),
        "sharpness": sharpness,
        # Rounding leaves an even image a contrast of some 1e-7.
        "grain": torch.where(contrast > 1e-6, sharpness / contrast.clamp(min=1e-6), 0.0),
    }


def _deviation(values: Tensor) -> Tensor:
    """Standard deviation ``[N]`` of ``[N, M]``: three times as fast as torch's running form."""
    centred = values - values.mean(dim=1, keepdim=True)
    power: Tensor = torch.linalg.vector_norm(centred, dim=1)
    deviation: Tensor = power / max(1, values.shape[1]) ** 0.5
    return deviation


def _entropy(grey: Tensor, levels: int) -> Tensor:
    count, pixels = grey.shape
    level = (grey * levels).int().clamp_(0, levels - 1)
    level += torch.arange(count, device=grey.device, dtype=torch.int32)[:, None] * levels
    counts = torch.bincount(level.flatten(), minlength=count * levels)
    share = counts.reshape(count, levels).float() / pixels
    return -(share * torch.log2(share.clamp(min=1e-12))).sum(dim=1)


def label_agreement(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The probability ``float32 [N]`` that the classifier gives each image's own label.

    ``probabilities [N, K]``, ``labels int64 [N]`` indices into the classifier's classes.
    """
    return probabilities.gather(1, labels[:, None]).squeeze(1).float()


Score = Callable[[Tensor, Tensor], Tensor]
"""Images ``uint8 [N, H, W, C]`` and class indices ``int64 [N]`` to ``float32 [N]``."""

GROUP = "synthgen.scores"
"""Entry point group of further scores: a name to a :data:`Score`."""


def further_scores() -> dict[str, Score]:
    """The scores of the entry point group, by name: every installed one is measured.

    Raises:
        SynthgenError: one cannot be loaded, or has the name of another column.
    """
    return {name: _checked(plugin) for name, plugin in plugins(GROUP, "score").items()}


def _checked(plugin: Plugin) -> Score:
    """The plug-in's score, whose answers are looked at before anybody judges by them."""
    if plugin.name in RESERVED:
        raise plugin.fault("has the name of a column that datasets have anyway")
    score = plugin.load()

    def checked(images: Tensor, labels: Tensor) -> Tensor:
        with plugin.minding("fails"):
            found = score(images, labels)
        if not isinstance(found, Tensor) or found.shape != (len(images),):
            given = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise plugin.fault(f"gives {given} for {len(images)} images, not a tensor of as many")
        values = found.to(images.device).float()
        if not bool(torch.isfinite(values).all()):
            raise plugin.fault("gives scores that are not finite numbers")
        return values

    return checked


class Scorer:
    """All scores of a batch; without a classifier the statistics only.

    With a bundle's reference also ``realism`` and the nearest training image's ``train_distance``
    and ``train_row``; with ``further`` scores those too.
    """

    def __init__(
        self,
        classifier: LabelClassifier | None,
        precision: torch.dtype = torch.float32,
        reference: Reference | None = None,
        further: Mapping[str, Score] | None = None,
    ) -> None:
        self._classifier = classifier
        self._precision = precision
        self._reference = reference
        self._further = dict(further or {})

    @property
    def names(self) -> tuple[str, ...]:
        """The scores given, in the order of the dataset's columns."""
        names = list(STATISTICS)
        if self._classifier is not None:
            names.append("label_agreement")
            if self._reference is not None:
                names.append("realism")
        if self._reference is not None:
            names += ["train_distance", TRAIN_ROW]
        return (*names, *self._further)

    @torch.inference_mode()
    def __call__(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """``uint8 [N, H, W, C]`` and the classifier's label indices ``int64 [N]`` to scores.

        ``float32 [N]`` each, but for ``train_row``: ``int64 [N]``.
        """
        scores = image_statistics(images)
        if self._classifier is not None:
            features = self.features(images)
            probabilities = self._classifier.classify(features).softmax(dim=1)
            scores["label_agreement"] = label_agreement(probabilities, labels)
            if self._reference is not None:
                scores["realism"] = self._reference.realism(features)
        if self._reference is not None:
            found = self._reference.nearest_training(fingerprints(images), labels)
            scores["train_distance"], scores[TRAIN_ROW] = found
        for name, score in self._further.items():
            scores[name] = score(images, labels).float()
        return scores

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """The classifier's features ``float32 [N, F]`` of ``uint8 [N, H, W, C]``."""
        if self._classifier is None:
            raise ValueError("no classifier to take features from")
        pixels = to_float(images).contiguous(memory_format=torch.channels_last)
        autocast = self._precision != torch.float32
        with torch.autocast(images.device.type, self._precision, enabled=autocast):
            return self._classifier.features(pixels)

    @torch.inference_mode()
    def embedding(self, images: Tensor) -> Tensor:
        """The reference's ``int8 [N, 32]`` of these features."""
        if self._reference is None:
            raise ValueError("no reference that says what an embedding is")
        return self._reference.embedding(self.features(images))
