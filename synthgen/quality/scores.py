"""Scores: one number per image and name, computed in batches on the device, before encoding.

They are taken from the quantised pixels, so that they can be computed again from a lossless
dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn

from synthgen.features.classifier import LabelClassifier
from synthgen.features.fingerprint import fingerprints
from synthgen.quality.reference import Reference
from synthgen.spec.columns import RESERVED, TRAIN_ROW
from synthgen.spec.image import IN_CACHE, to_float
from synthgen.spec.plugins import Plugin, plugins

ENTROPY_LEVELS = 8
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
    count, together = len(images), max(1, IN_CACHE // max(1, images[:1].numel()))
    if images.device.type != "cpu":
        together = max(1, count)
    measured = [_measured(images[at : at + together]) for at in range(0, max(1, count), together)]
    counts = torch.cat([counts for counts, _ in measured])  # int64 [N, values]
    sharpness = torch.cat([sharpness for _, sharpness in measured])
    white = counts.shape[1] - 1
    pixels = images.shape[1] * images.shape[2]
    sums = counts.double() @ _grey_values(white, images.device)
    first, second, gathered = sums[:, 0], sums[:, 1], sums[:, 2:]
    contrast = (pixels * second - first.square()).clamp(min=0).sqrt() / (pixels * white)
    shares = gathered / pixels
    return {
        "brightness": (first / (pixels * white)).float(),
        "contrast": contrast.float(),
        "entropy": -(shares * torch.log2(shares.clamp(min=1e-12))).sum(dim=1).float(),
        "sharpness": sharpness,
        # Rounding may leave an even image a trace of contrast.
        "grain": torch.where(contrast > 1e-6, sharpness / contrast.clamp(min=1e-6), 0.0).float(),
    }


@lru_cache(maxsize=8)
def _grey_values(white: int, device: torch.device) -> Tensor:
    """``float64 [white + 1, 2 + 8]``: each value, its square, and which level it belongs to.

    The product of counts with it is all sums at once, of whole numbers, so exact.
    """
    values = torch.arange(white + 1, device=device)
    level = (values * ENTROPY_LEVELS // white).clamp_(max=ENTROPY_LEVELS - 1)
    of_level = nn.functional.one_hot(level, ENTROPY_LEVELS)
    return torch.column_stack([values, values.square(), of_level]).double()


def _measured(images: Tensor) -> tuple[Tensor, Tensor]:
    """How often each grey value occurs, ``int64 [N, 255 * C + 1]``, and the sharpness."""
    grey = _channel_sums(images)
    laplacian = 4 * grey[:, 1:-1, 1:-1]
    laplacian -= grey[:, :-2, 1:-1]
    laplacian -= grey[:, 2:, 1:-1]
    laplacian -= grey[:, 1:-1, :-2]
    laplacian -= grey[:, 1:-1, 2:]
    values = 255 * images.shape[3] + 1
    places = grey.flatten(1).int()
    places += torch.arange(len(images), device=images.device, dtype=torch.int32)[:, None] * values
    counts = torch.bincount(places.flatten(), minlength=len(images) * values)
    sharpness = _deviation(laplacian.flatten(1).float()) / (values - 1)
    return counts.view(len(images), values), sharpness


def _channel_sums(images: Tensor) -> Tensor:
    """``int16 [N, H, W]`` of ``uint8 [N, H, W, C]``: exact, and half as many bytes as float32."""
    values = images.flatten().short()
    channels = images.shape[3]
    count = max(0, len(values) - channels + 1)
    sums = values[:count]
    # Sums from every value on, of which one in C is wanted: faster than going by steps of C.
    for channel in range(1, channels):
        sums = sums + values[channel : channel + count]
    return sums[::channels].reshape(images.shape[:3]).contiguous()


def _deviation(values: Tensor) -> Tensor:
    """Standard deviation ``[N]`` of ``[N, M]``: three times as fast as torch's running form."""
    centred = values - values.mean(dim=1, keepdim=True)
    power: Tensor = torch.linalg.vector_norm(centred, dim=1)
    deviation: Tensor = power / max(1, values.shape[1]) ** 0.5
    return deviation


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
        *,
        labelled: bool = True,
    ) -> None:
        """``labelled``: the classifier knows the labels; else its features alone are of use."""
        self._labelled = labelled
        self._classifier = classifier
        self._precision = precision
        self._reference = reference
        self._further = dict(further or {})

    @property
    def names(self) -> tuple[str, ...]:
        """The scores given, in the order of the dataset's columns."""
        names = list(STATISTICS)
        if self._classifier is not None:
            if self._labelled:
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
            if self._labelled:
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
