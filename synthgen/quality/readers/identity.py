"""Whether an edit still shows the same one: features of both beside those of other real images.

The features are EfficientNet-lite0's: a network that has learnt the attributes would take a wanted
change of one of them for a change of who it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from synthgen.data.splits import Labelled, evenly
from synthgen.features.efficientnet import EfficientNetLite0
from synthgen.features.fingerprint import reach_of
from synthgen.quality.calibration import LEVELS, Calibration, calibrated_on
from synthgen.quality.copies import moved, recompressed
from synthgen.spec.columns import IDENTITY
from synthgen.spec.image import ImageSpec, to_float
from synthgen.spec.task import Task

APART = "identity_distance"
"""The calibrated measure that the agreement is a rank in: distances of real images' features."""
SIDES = (32, 96)
"""Input side of the network in pixels, at least and at most: twice the images' in between."""
MOST = 512
"""Real images that are compared, at most."""
OTHERS = 16
"""Other images that each is compared with, at most."""
BATCH = 256


class Identity:
    """How sure it is that an image shows what its source shows: the share of pairs of different
    real images whose features are farther apart than the image's and the source's.

    1 where both are equal, one half in the mean over images of something else.
    """

    def __init__(
        self, name: str, task: Task, calibration: Calibration, device: torch.device
    ) -> None:
        """``name`` is the field of the source of the ``task``'s image.

        Raises:
            SynthgenError: the package with the features' weights is missing.
            KeyError: the calibration has no distances of real images.
        """
        self._name, self._pictured = name, task.pictured
        self._features = _features(task.image, device)
        self._quantiles = calibration.quantiles[APART][-1]

    def agreement(self, made: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Tensor:
        """``float32 [N]`` in [0, 1] from stored rows by field."""
        images = made[self._pictured]
        own = _seen(self._features, images)
        source = _seen(self._features, given[self._name].to(images.device))
        gaps = (own - source).norm(dim=1).cpu().numpy()
        return torch.from_numpy(ranked(gaps, self._quantiles)).to(images.device)


def ranked(gaps: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """The share of a distribution that lies above each gap, ``float32 [N]``, by its quantiles at
    :data:`~synthgen.quality.calibration.LEVELS`; equal features are not farther than any."""
    levels = np.interp(gaps, quantiles, LEVELS, left=0.0, right=1.0)
    shares: np.ndarray = (1 - levels).astype(np.float32)
    return shares


def _features(image: ImageSpec, device: torch.device) -> EfficientNetLite0:
    least, most = SIDES
    side = min(most, max(least, 2 * max(image.height, image.width)))
    return EfficientNetLite0(device, side)


def _seen(features: EfficientNetLite0, images: Tensor) -> Tensor:
    """Features ``float32 [N, F]`` of images ``uint8 [N, H, W, C]``."""
    parts = [features(to_float(images[at : at + BATCH])) for at in range(0, len(images), BATCH)]
    return torch.cat(parts)


def calibrate_identity(
    held: Labelled, classes: tuple[str, ...], device: torch.device
) -> Calibration:
    """How far different real images are apart, and how sure it is that one that is moved by a
    pixel or two or recompressed is itself: quantiles of :data:`APART` and of the agreement.

    ``held`` are real images that were not trained on, at least two.

    Raises:
        SynthgenError: the package with the features' weights is missing.
    """
    network = _features(ImageSpec(*held.images.shape[1:]), device)
    rows = evenly(len(held.labels), MOST)
    images, labels = held.images[rows], held.labels[rows]
    own = _seen(network, torch.from_numpy(images).to(device))
    shifts = range(1, min(len(images) - 1, OTHERS) + 1)
    gaps = torch.cat([(own - own.roll(shift, dims=0)).norm(dim=1) for shift in shifts])
    pairs = {APART: gaps.cpu().numpy().astype(np.float64)}
    found = calibrated_on(pairs, np.tile(labels, len(shifts)), classes)
    rng, half = np.random.default_rng(0), (len(images) + 1) // 2
    reach = reach_of(*images.shape[1:3])
    changed = [moved(images[:half], rng, reach), recompressed(images[half:], rng)]
    again = _seen(network, torch.from_numpy(np.concatenate(changed)).to(device))
    sure = ranked((own - again).norm(dim=1).cpu().numpy(), found.quantiles[APART][-1])
    return found.with_quantiles_of(calibrated_on({IDENTITY: sure}, labels, classes))
