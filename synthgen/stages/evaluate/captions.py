"""How often a dataset's images, and real ones, find their own caption among others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from synthgen.data.captions import FIELD
from synthgen.data.records import Records, load_records
from synthgen.data.splits import evenly
from synthgen.data.views import known_view
from synthgen.dataset.codecs.registry import codec_of
from synthgen.evaluation.record import RetrievalEvaluation
from synthgen.features.caption_reader import CaptionReader
from synthgen.generators.generator import Generator
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field, Image
from synthgen.spec.image import to_float
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.spec.task import ALL
from synthgen.stages.evaluate.observations import pieces_of
from synthgen.stages.evaluate.real_images import RealImages
from synthgen.stages.finished.dataset import Dataset

Pieces = Iterable[tuple[np.ndarray, np.ndarray]]
"""Images ``uint8 [n, H, W, C]`` and their stored captions ``uint8 [n, length]``."""


def retrievals(
    settings: EvaluateSettings, dataset: Dataset, generator: Generator | None, real: RealImages
) -> tuple[RetrievalEvaluation, ...]:
    """A record for each field of captions that has a reader; empty without any."""
    known = generator.readers if generator else {}
    found: list[RetrievalEvaluation] = []
    for name, kind in dataset.manifest.columns.fields.items():
        reader = known.get(name)
        if not isinstance(reader, CaptionReader) or reader.field != kind:
            continue
        images, share, agreed = _measured(reader, _made(settings, dataset, name, reader))
        theirs: tuple[int, float | None, float | None] = (0, None, None)
        try:
            if name == FIELD:
                theirs = _measured(reader, _real(settings, dataset, real, reader))
        except SynthgenError as error:
            say(f"captions of real images are not read: {error}")
        if images:
            found.append(RetrievalEvaluation(name, reader.among, images, share, agreed, *theirs))
    return tuple(found)


def _made(
    settings: EvaluateSettings, dataset: Dataset, name: str, reader: CaptionReader
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rows = codec_of(reader.field).decode(dataset.cells(name, settings.images))
    at = 0
    for images, _ in dataset.pieces(settings.images):
        yield images, rows[at : at + len(images)]
        at += len(images)


def _real(
    settings: EvaluateSettings, dataset: Dataset, real: RealImages, reader: CaptionReader
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of real rows that the reader has not learnt from, where these are known."""
    data = _real_captions(settings, dataset, reader)
    rows = np.arange(len(data.labels))
    if real.held is not None and data.image_fingerprint == real.data.fingerprint:
        rows = real.held
    for part in pieces_of(rows[evenly(len(rows), settings.images)]):
        yield data.columns["image"][part], data.columns[FIELD][part]


def _real_captions(settings: EvaluateSettings, dataset: Dataset, reader: CaptionReader) -> Records:
    classes = dataset.plan.classes
    asked = DataSettings.parse({
        "data": settings.real, "split": settings.real_split, "structure": settings.structure,
        "image_column": settings.image_column, "label_column": settings.label_column,
        "min_per_class": 1, "classes": None if classes == (ALL,) else classes,
        **dataset.image.as_settings(),
    })  # fmt: skip
    fields: dict[str, Field] = {"image": Image(1, 1, 1), FIELD: reader.field}
    view, columns, wanted = known_view(fields, asked, settings.field)
    return load_records(
        asked, wanted, columns, labelled=False if classes == (ALL,) else None, view=view,
        main="image",
    )  # fmt: skip


@torch.inference_mode()
def _measured(reader: CaptionReader, pieces: Pieces) -> tuple[int, float, float]:
    """Images, the share that finds its own caption, the mean agreement."""
    found, agreed, count = 0.0, 0.0, 0
    for images, rows in pieces:
        pixels = to_float(torch.from_numpy(np.ascontiguousarray(images)).to(reader.bank.device))
        asked = torch.from_numpy(np.ascontiguousarray(rows)).to(reader.bank.device)
        outputs = reader(pixels)
        found += float(reader.finds(outputs, asked).double().sum())
        agreed += float(reader.agreements(outputs, asked).double().sum())
        count += len(images)
    return count, found / max(1, count), agreed / max(1, count)
