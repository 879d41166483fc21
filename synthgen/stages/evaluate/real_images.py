"""The images of an evaluation: a finished dataset's, the real ones, and those of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData
from synthgen.data.splits import evenly
from synthgen.data.strata import load_strata
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.finished.dataset import Dataset
from synthgen.stages.judging.training_rows import training_rows


@dataclass(frozen=True)
class RealImages:
    """Real images of the dataset's classes, and how they stand to the generator's training."""

    data: ImageData
    labels: np.ndarray
    """``int64 [N]`` of all of ``data``: indices into the dataset's classes, -1 for others."""
    seen: bool
    """Whether they are known to be what the generator was trained on."""
    held: np.ndarray | None
    """Rows that training held out, where that is known: sorted ``int64``."""

    @property
    def rows(self) -> np.ndarray:
        """Those of the dataset's classes."""
        return np.flatnonzero(self.labels >= 0)


def open_real(
    name: str,
    split: str,
    dataset: Dataset,
    generator_classes: tuple[str, ...],
    reading: Mapping[str, Any],
) -> RealImages:
    """Real images in the dataset's size and mode, read as the settings ``reading`` say.

    All of the generator's classes are read where there are, so that the images that it was trained
    on are known for what they are even if the dataset has fewer classes.

    Raises:
        SynthgenError: they cannot be read, or lack a class of the dataset.
    """
    wanted = {
        **reading, "data": name, "split": split, "min_per_class": 2,
        **dataset.image.as_settings(),
    }  # fmt: skip
    classes = dataset.plan.classes
    beside = bool(dataset.manifest.generator.task(classes).beside)
    training = dataset.manifest.generator.trained
    data = None
    if set(classes) < set(generator_classes):
        try:
            data = load_strata(
                DataSettings.parse({**wanted, "classes": generator_classes}), beside=beside
            )
        except SynthgenError:
            data = None  # it may well have none of the classes that the dataset lacks too
        if data is not None and data.fingerprint != training.data_fingerprint:
            data = None
    if data is None:
        data = load_strata(DataSettings.parse({**wanted, "classes": classes}), beside=beside)
    indices = np.array([classes.index(name) if name in classes else -1 for name in data.classes])
    seen = data.fingerprint == training.data_fingerprint
    rows = training_rows(training, data)
    return RealImages(data, indices[data.labels], seen, rows and rows[1])


def searched(real: RealImages, looked_at: np.ndarray, most: int) -> np.ndarray:
    """Rows of training images to search for the nearest: at most ``most``, sorted ``int64``.

    Those that are looked at anyway come first; what was held out is not among them.
    """
    trained = real.rows if real.held is None else np.setdiff1d(real.rows, real.held)
    first = _some(np.intersect1d(trained, looked_at), most)
    rest = np.setdiff1d(trained, first)
    return np.sort(np.concatenate([first, _some(rest, most - len(first))]))


def _some(rows: np.ndarray, most: int) -> np.ndarray:
    return rows[evenly(len(rows), most)] if most > 0 and len(rows) else rows[:0]
