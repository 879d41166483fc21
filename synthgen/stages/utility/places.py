"""A column of places, as a mask, in the place of the label: what networks learn to read off images.

Whatever kind of field has a reader with a measure (:mod:`synthgen.features.field_reader`) can be
learnt so: the network is the one that reads it for ``<field>_agreement``, freshly initialised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from synthgen.data.records import Records, load_records
from synthgen.data.splits import Labelled, few_per_class
from synthgen.dataset.codecs.registry import codec_of
from synthgen.features.field_reader import FieldReader, reader_class
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.quality.readers.reading import read_off
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Field, Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.spec.task import ALL
from synthgen.stages.finished.dataset import TOGETHER, Dataset
from synthgen.stages.utility.attribute import Target, target_of
from synthgen.stages.utility.results import TrialStore
from synthgen.stages.utility.trials import Kind, key_of
from synthgen.training.fixed_budget import Budget
from synthgen.training.placed_budget import PlacedSource, train_reader_budget


def real_rows(asked: DataSettings, name: str, field: Field, columns: Mapping[str, str]) -> Records:
    """Real rows with a column as a dataset has it: images, and stored rows of ``field``.

    Raises:
        SynthgenError: they have no such column, or cannot be read.
    """
    flat = asked.classes == (ALL,)
    asked = asked.model_copy(update={"classes": None}) if flat else asked
    wanted = {"image": Image(1, 1, 1), name: field}
    return load_records(asked, wanted, columns, labelled=False if flat else None)


@dataclass(frozen=True)
class PlaceTarget:
    """A column of a dataset that networks learn to read."""

    name: str
    field: Field
    columns: Mapping[str, str]
    """Columns of real rows by field, where they have other names."""

    def fresh(self, image: ImageSpec) -> FieldReader:
        """A network that reads it, freshly initialised."""
        kind = reader_class(self.field.kind)
        assert kind is not None
        return kind.fresh(image, self.field)

    def of_real(self, asked: DataSettings) -> np.ndarray:
        """Stored rows ``[N, ...]`` of the real rows that settings name.

        Raises:
            SynthgenError: they have no such column.
        """
        return real_rows(asked, self.name, self.field, self.columns).columns[self.name]

    def of_made(self, dataset: Dataset, most: int) -> np.ndarray:
        """Stored rows ``[N, ...]`` of a dataset's images, ``most`` of which were read."""
        return codec_of(self.field).decode(dataset.cells(self.name, most))


def learnt_of(dataset: Dataset, settings: UtilitySettings) -> Target | PlaceTarget | None:
    """What is learnt in place of the label: the column or the attribute that is asked for; of a
    dataset without labels the first attribute that has words, else the first column that networks
    can learn to read; ``None``: the label.

    Raises:
        SynthgenError: there is no such column or attribute, or nothing is to be learnt of it.
    """
    fields = dataset.manifest.columns.fields
    known = [name for name, field in fields.items() if _measured(field)]
    if settings.learn is None:
        target = target_of(dataset, settings.attribute, settings.field)
        if target is None and settings.attribute is None and dataset.plan.classes == (ALL,):
            name = next(iter(known), None)
            return None if name is None else PlaceTarget(name, fields[name], settings.field)
        return target
    if settings.attribute is not None:
        raise SynthgenError("--learn and --attribute both say what is learnt: choose one")
    if settings.learn not in known:
        raise SynthgenError(
            f"--learn {settings.learn}: the dataset has no such column that networks learn to read "
            f"({name_list(known) or 'none at all'}){did_you_mean(settings.learn, known)}"
        )
    return PlaceTarget(settings.learn, fields[settings.learn], settings.field)


def _measured(field: Field) -> bool:
    kind = reader_class(field.kind)
    return kind is not None and bool(kind.measure)


@dataclass(frozen=True)
class Placed:
    """Images ``uint8 [N, H, W, C]``, their strata ``int64 [N]``, stored rows of the column ``[N,
    ...]``, and what decides them all."""

    images: Labelled
    rows: np.ndarray
    fingerprint: str


class PlaceTrials:
    """Trains a reader for a row and a seed, or finds that it has been."""

    def __init__(
        self, settings: UtilitySettings, budget: Budget, target: PlaceTarget,
        real: Placed, test: Placed, made: Placed, made_key: list[Any],
    ) -> None:  # fmt: skip
        if settings.soft_labels or settings.teachers:
            raise SynthgenError(
                f"soft_labels and teachers are of the label, and {target.name} is learnt here; "
                "leave them out"
            )
        self._budget, self._target, self._finish = budget, target, settings.finish_on_real
        self._real, self._test, self._made = real, test, made
        self._made_key = made_key
        self._device = resolve_device(settings.device)
        self._precision = resolve_precision(settings.precision, self._device)
        self._store = TrialStore(settings.cache_dir)
        _, height, width, channels = real.images.images.shape
        self._image = ImageSpec(height, width, channels)
        probe = target.fresh(self._image)
        self.measure = probe.measure
        self.parts = tuple(probe.by_part(test.rows, test.rows))
        """Those that the test images have."""

    def result(self, kind: Kind, seed: int, progress: Callable[[int], Any]) -> np.ndarray:
        """How well each of :attr:`parts` is read off the test images, ``float64 [P]`` in [0, 1];
        the seed chooses the few real images as well."""
        budget, field = self._budget, self._target.field
        fingerprints = self._real.fingerprint, self._test.fingerprint
        key = {
            **key_of(kind, seed, budget, fingerprints, self._made_key, self._finish),
            "device": self._device.type, "precision": str(self._precision),
            "learns": [self._target.name, field.kind, field.to_json()],
        }  # fmt: skip

        def train() -> np.ndarray:
            torch.manual_seed(seed)
            network = self._target.fresh(self._image)
            train_reader_budget(
                network, self._sources(kind, seed), budget, seed=seed, device=self._device,
                precision=self._precision, progress=progress,
                first_alone=self._finish if kind.trained_on == "real + synthetic" else 0.0,
            )  # fmt: skip
            found = network.by_part(self._said(network), self._test.rows)
            return np.array([found[name][1] for name in self.parts])

        values, known = self._store.get(key, train)
        if known:
            progress(budget.steps * budget.batch_size)
        return values

    def _sources(self, kind: Kind, seed: int) -> Sequence[PlacedSource]:
        found = []
        if kind.size != 0:
            labels = self._real.images.labels
            rows = (
                np.arange(len(labels))
                if kind.size is None
                else few_per_class(labels, kind.size, seed)
            )
            found.append(
                PlacedSource(self._real.images.images, self._real.rows, rows, 1 - kind.share)
            )
        if kind.share > 0:
            every = np.arange(len(self._made.rows))
            found.append(PlacedSource(self._made.images.images, self._made.rows, every, kind.share))
        return found

    def _said(self, network: FieldReader) -> np.ndarray:
        images = self._test.images.images
        parts = []
        for start in range(0, len(images), TOGETHER):
            pixels = torch.from_numpy(np.array(images[start : start + TOGETHER]))
            parts.append(read_off(network, pixels.to(self._device)).cpu().numpy())
        return np.concatenate(parts)
