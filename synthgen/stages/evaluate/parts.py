"""What the bundle's readers see of a dataset's masks, and other fields with parts, and of real
rows'."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.data.records import load_records
from synthgen.data.splits import evenly
from synthgen.dataset.codecs.registry import codec_of
from synthgen.evaluation.evidence import ReadAgain, picture
from synthgen.evaluation.parts import Measured, part_table
from synthgen.evaluation.record import PartEvaluation
from synthgen.features.field_reader import FieldReader
from synthgen.generators.generator import Generator
from synthgen.machine.progress import say
from synthgen.quality.readers.reading import read_off
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field, Image
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.spec.task import ALL
from synthgen.stages.evaluate.observations import pieces_of
from synthgen.stages.evaluate.real_images import RealImages
from synthgen.stages.finished.dataset import Dataset
from synthgen.stages.publish.given import first_rows


def parts_read(
    settings: EvaluateSettings, dataset: Dataset, generator: Generator | None, real: RealImages
) -> tuple[PartEvaluation, ...]:
    """The table of parts of all fields whose reader measures any; empty without one."""
    known = generator.readers if generator else {}
    found: list[PartEvaluation] = []
    for name, field in dataset.manifest.columns.fields.items():
        reader = known.get(name)
        if reader is None or reader.field != field or not reader.measure:
            continue
        rows = codec_of(field).decode(dataset.cells(name, settings.images))
        said = [_said(reader, images) for images, _ in dataset.pieces(settings.images)]
        made = reader.by_part(np.concatenate(said), rows)
        theirs: Measured | None = None
        try:
            theirs = _real(settings, dataset, name, field, real, reader)
        except SynthgenError as error:
            say(f"{name} is not read off real images: {error}")
        found += part_table(name, reader.measure, made, theirs)
    return tuple(found)


def read_again(dataset: Dataset, generator: Generator | None) -> tuple[ReadAgain, ...]:
    """What these readers see in the images that the report shows beside what was given."""
    known = generator.readers if generator else {}
    fields = dataset.manifest.columns.fields
    names = [n for n, reader in known.items() if reader.measure and fields.get(n) == reader.field]
    if not names:
        return ()
    images = first_rows(dataset, ["image"])["image"]
    found = []
    for name in names:
        seen = codec_of(fields[name]).pictures(_said(known[name], images))
        found.append(ReadAgain(name, tuple(map(picture, seen))))
    return tuple(found)


def _real(
    settings: EvaluateSettings, dataset: Dataset, name: str, field: Field, real: RealImages,
    reader: FieldReader,
) -> Measured:  # fmt: skip
    """Of real rows that the reader has not learnt from, where these are known.

    Raises:
        SynthgenError: they have no such column, or cannot be read.
    """
    flat = dataset.plan.classes == (ALL,)
    asked = DataSettings.parse({
        **settings.reading(), "data": settings.real, "split": settings.real_split,
        "min_per_class": 1, "classes": None if flat else dataset.plan.classes,
        **dataset.image.as_settings(),
    })  # fmt: skip
    data = load_records(
        asked, {"image": Image(1, 1, 1), name: field}, settings.field,
        labelled=False if flat else None,
    )  # fmt: skip
    rows = np.arange(len(data.labels))
    if real.held is not None and data.image_fingerprint == real.data.fingerprint:
        rows = real.held
    rows = rows[evenly(len(rows), settings.images)]
    said = [_said(reader, data.columns["image"][part]) for part in pieces_of(rows)]
    return reader.by_part(np.concatenate(said), data.columns[name][rows])


def _said(reader: FieldReader, images: np.ndarray) -> np.ndarray:
    device = next(reader.parameters()).device
    pixels = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    found: np.ndarray = read_off(reader, pixels).cpu().numpy()
    return found
