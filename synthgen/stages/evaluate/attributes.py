"""What the bundle's reader sees of a dataset's attributes, and of real images'."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from synthgen.data.attributes import FIELD, attributed_as
from synthgen.data.records import Records, load_records
from synthgen.data.splits import evenly
from synthgen.dataset.codecs.registry import codec_of
from synthgen.evaluation.attributes import Read, attribute_table
from synthgen.evaluation.edits import Edits, measured_edits
from synthgen.evaluation.record import AttributeEvaluation
from synthgen.features.attribute_reader import AttributeReader
from synthgen.generators.generator import Generator
from synthgen.machine.progress import say
from synthgen.quality.readers.reading import read_off
from synthgen.spec.columns import IDENTITY
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.spec.task import ALL
from synthgen.spec.vectors import Attributes
from synthgen.stages.evaluate.observations import pieces_of
from synthgen.stages.evaluate.real_images import RealImages
from synthgen.stages.finished.dataset import Dataset


def attributes_read(
    settings: EvaluateSettings, dataset: Dataset, generator: Generator | None, real: RealImages
) -> tuple[AttributeEvaluation, ...]:
    """The table of attributes; empty for a dataset without any, or without a reader."""
    known = generator.readers if generator else {}
    found: list[AttributeEvaluation] = []
    for name, kind in dataset.manifest.columns.fields.items():
        reader = known.get(name)
        if not isinstance(reader, AttributeReader) or reader.field != kind:
            continue
        field = reader.field
        made = _made(settings, dataset, name, reader)
        try:
            theirs = _real(settings, dataset, field, real, reader) if name == FIELD else None
        except SynthgenError as error:
            say(f"attributes are not read off real images: {error}")
            theirs = None
        found += attribute_table(field, made, theirs)
    return tuple(found)


def edits_read(
    settings: EvaluateSettings, dataset: Dataset, generator: Generator | None
) -> Edits | None:
    """How a dataset's edits turned out; ``None`` of one without edits, or without a reader."""
    for name, own in dataset.task.edited.items():
        reader = generator.readers.get(name) if generator else None
        if not isinstance(reader, AttributeReader):
            continue
        said, asked = _made(settings, dataset, name, reader)
        had = codec_of(reader.field).decode(dataset.cells(own, settings.images))
        identity = None
        if IDENTITY in dataset.manifest.scores:
            identity = np.asarray(dataset.cells(IDENTITY, settings.images), dtype=np.float64)
        return measured_edits(reader.field, said, asked, had, identity)
    return None


def _made(settings: EvaluateSettings, dataset: Dataset, name: str, reader: AttributeReader) -> Read:
    codec = codec_of(reader.field)
    cells = dataset.cells(name, settings.images)
    said = [_said(reader, images) for images, _ in dataset.pieces(settings.images)]
    return np.concatenate(said), codec.decode(cells)


def _real(
    settings: EvaluateSettings, dataset: Dataset, field: Attributes, real: RealImages,
    reader: AttributeReader,
) -> Read:  # fmt: skip
    """Of real rows that the reader has not learnt from, where these are known."""
    data = real_attributes(settings.real, settings.real_split, settings, dataset, field)
    rows = np.arange(len(data.labels))
    if real.held is not None and data.image_fingerprint == real.data.fingerprint:
        rows = real.held
    rows = rows[evenly(len(rows), settings.images)]
    said = [_said(reader, data.columns["image"][part]) for part in pieces_of(rows)]
    return np.concatenate(said), data.columns[FIELD][rows]


def real_attributes(
    name: str, split: str, settings: EvaluateSettings, dataset: Dataset, field: Attributes
) -> Records:
    """Real rows with the attributes that a dataset has.

    Raises:
        SynthgenError: they have none of them, or cannot be read.
    """
    classes = dataset.plan.classes
    asked = DataSettings.parse({
        "data": name, "split": split, "structure": settings.structure,
        "image_column": settings.image_column, "label_column": settings.label_column,
        "min_per_class": 1,
        "classes": None if classes == (ALL,) else classes, **dataset.image.as_settings(),
    })  # fmt: skip
    named = tuple(filter(None, settings.field.get(FIELD, "").split(",")))
    return load_records(
        asked, {"image": Image(1, 1, 1), FIELD: field},
        labelled=False if classes == (ALL,) else None,
        view=partial(attributed_as, field=field, asked=named),
    )  # fmt: skip


def _said(reader: AttributeReader, images: np.ndarray) -> np.ndarray:
    pixels = torch.from_numpy(np.ascontiguousarray(images)).to(reader.scale.device)
    found: np.ndarray = read_off(reader, pixels).cpu().numpy()
    return found
