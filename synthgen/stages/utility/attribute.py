"""An attribute in the place of the label: what classifiers learn of rows that have attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from synthgen.data.attributes import FIELD, attributed_as
from synthgen.data.cache import ImageData
from synthgen.data.records import load_records
from synthgen.data.splits import Labelled
from synthgen.dataset.codecs.registry import codec_of
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Image
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.task import ALL
from synthgen.spec.vectors import Attributes
from synthgen.stages.finished.dataset import Dataset


@dataclass(frozen=True)
class Target:
    """An attribute with words for its values, which become the classes."""

    name: str
    field: Attributes
    columns: Mapping[str, str]
    """Columns of real rows by field, where they have other names."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the values."""
        return self.field.words(self.name)

    def of_rows(self, rows: np.ndarray) -> np.ndarray:
        """Values ``int64 [N]`` of stored rows ``float32 [N, K]``, -1 where they are not known."""
        values = rows[:, self.field.names.index(self.name)]
        return np.where(np.isnan(values), -1, np.nan_to_num(values)).astype(np.int64)

    def of_real(self, asked: DataSettings) -> np.ndarray:
        """Values ``int64 [N]`` of the real rows that settings name.

        Raises:
            SynthgenError: they have no such attribute.
        """
        flat = asked.classes == (ALL,)
        named = tuple(filter(None, self.columns.get(FIELD, "").split(",")))
        data = load_records(
            asked.model_copy(update={"classes": None}) if flat else asked,
            {"image": Image(1, 1, 1), FIELD: self.field},
            labelled=False if flat else None,
            view=partial(attributed_as, field=self.field, asked=named),
        )
        return self.of_rows(data.columns[FIELD])

    def put(self, data: ImageData, values: np.ndarray) -> ImageData:
        """The images of which the value is known, with it as their label.

        Raises:
            SynthgenError: a value has no image.
        """
        known = np.flatnonzero(values >= 0)
        for place, word in enumerate(self.classes):
            if not (values == place).any():
                raise SynthgenError(
                    f"{data.name}: no image with {self.name} = {word} to learn from or to test on"
                )
        return replace(
            data,
            images=data.images[known],
            labels=values[known],
            rows=data.rows[known],
            classes=self.classes,
            fingerprint=f"{data.fingerprint}, by {self.name}",
        )

    def put_made(self, dataset: Dataset, made: Labelled, most: int) -> Labelled:
        """The same of a dataset's images, ``most`` of which were read."""
        rows = codec_of(self.field).decode(dataset.cells(FIELD, most))
        values = self.of_rows(rows)
        known = np.flatnonzero(values >= 0)
        return Labelled(made.images[known], values[known])


def target_of(dataset: Dataset, asked: str | None, columns: Mapping[str, str]) -> Target | None:
    """The attribute that is asked for; of a dataset without labels the first that has words for its
    values; ``None`` where the label is learnt.

    Raises:
        SynthgenError: there is no such attribute, or it is a number.
    """
    field = dataset.manifest.columns.fields.get(FIELD)
    known = field.names if isinstance(field, Attributes) else ()
    if asked is None:
        if dataset.plan.classes != (ALL,) or not isinstance(field, Attributes):
            return None
        asked = next((name for name in known if field.words(name)), None)
        return None if asked is None else Target(asked, field, columns)
    if not isinstance(field, Attributes) or asked not in known:
        raise SynthgenError(
            f"--attribute {asked}: the dataset has no such attribute "
            f"({name_list(known) or 'none at all'}){did_you_mean(asked, known)}"
        )
    if not field.words(asked):
        raise SynthgenError(
            f"--attribute {asked}: is a number, and classifiers learn classes; name one with "
            "yes/no or choices"
        )
    return Target(asked, field, columns)
