"""Pictures for the report of what images were made from: given, made and read again, in columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from synthgen.dataset.codecs.registry import codec_of
from synthgen.evaluation.evidence import Evidence, picture
from synthgen.evaluation.report.content import Gallery, Shot
from synthgen.quality.readers.consistency import Consistency
from synthgen.spec.derivations import derive
from synthgen.spec.fields import Image
from synthgen.spec.task import Task
from synthgen.stages.finished.dataset import Dataset
from synthgen.storage.tables import read_table

SHOWN = 14
"""Rows that are shown."""
SEEN_AT = 0.5
"""Probability that the reader of labels gives a row's own label, below which it denies it."""
LABEL_AGREEMENT = "label_agreement"
MOST_DENIED = 0.1
"""Share of denied rows from which on the page says not to learn from them."""


def given(dataset: Dataset) -> tuple[Gallery, ...]:
    """What the first rows were made from, what was made, what is derived from that again; and the
    rows whose label their reader denies. Nothing for images of noise."""
    manifest = dataset.manifest
    task = manifest.generator.task(dataset.plan.classes)
    names = [name for name in manifest.columns.fields if name in task.given]
    if not names:
        return ()
    return (*_beside(dataset, task, names), *_denied(dataset))


def _beside(dataset: Dataset, task: Task, names: list[str]) -> Iterator[Gallery]:
    rows = first_rows(dataset, ["image", *names])
    for name in names:
        yield _gallery(f"Given: {name}", "Each above the image that it became.", task, name, rows)
    yield _gallery("Made", "The images of these rows, in the same order.", task, "image", rows)
    again = [name for name in names if Consistency.reads(task, name)]
    known = {n: torch.from_numpy(values) for n, values in rows.items() if n not in again}
    derived = derive(task, known, torch.zeros(len(rows["image"]), 0)) if again else {}
    for name in again:
        found = {name: derived[name].numpy()}
        note = "Computed anew from the images that were made: it ought to be what was given."
        yield _gallery(f"Read again: {name}", note, task, name, found)


def _image(dataset: Dataset) -> Image:
    spec = dataset.image
    return Image(spec.height, spec.width, spec.channels)


def first_rows(dataset: Dataset, names: list[str]) -> dict[str, np.ndarray]:
    """Stored rows by column; rows lie in a random order, so they are a random choice."""
    fields = {"image": _image(dataset), **dataset.manifest.columns.fields}
    cells: dict[str, list[object]] = {name: [] for name in names}
    for shard in dataset.plan.shards:
        table = read_table(dataset.layout.data / shard.name, names)
        for name in names:
            cells[name] += table.column(name).slice(0, SHOWN - len(cells[name])).to_pylist()
        if len(cells["image"]) >= SHOWN:
            break
    return {name: codec_of(fields[name]).decode(found) for name, found in cells.items()}


def seen(evidence: Evidence | None) -> tuple[Gallery, ...]:
    """What the bundle's readers saw in the images of these rows when they were evaluated."""
    note = (
        "What the bundle's reader sees in the images that were made: it ought to be what was given."
    )
    return tuple(
        Gallery(
            f"Read again: {each.column}", note, tuple(Shot(p, each.column) for p in each.pictures)
        )
        for each in (evidence.read_again if evidence else ())
    )


def _gallery(
    title: str, note: str, task: Task, name: str, rows: Mapping[str, np.ndarray]
) -> Gallery:
    shown = codec_of(task.fields[name]).pictures(rows[name])
    return Gallery(title, note, tuple(Shot(picture(one), name) for one in shown))


def _denied(dataset: Dataset) -> Iterator[Gallery]:
    """The flip audit: rows of which the label's reader says that they show another class."""
    if LABEL_AGREEMENT not in dataset.manifest.scores:
        return
    field, denied, total = _image(dataset), 0, 0
    shots: list[Shot] = []
    classes = dataset.plan.classes
    for shard in dataset.plan.shards:
        path = dataset.layout.data / shard.name
        table = read_table(path, [LABEL_AGREEMENT, "label"])
        scores, labels = (np.asarray(table.column(n)) for n in (LABEL_AGREEMENT, "label"))
        rows = np.flatnonzero(scores < SEEN_AT)
        denied, total = denied + len(rows), total + len(scores)
        wanted = rows[: SHOWN - len(shots)].tolist()
        if wanted:
            cells = read_table(path, ["image"]).column("image").take(wanted).to_pylist()
            images = codec_of(field).decode(cells)
            words = [f"{classes[labels[row]]}: {scores[row]:.2f}" for row in wanted]
            shots += [Shot(picture(p), w) for p, w in zip(images, words, strict=True)]
    share = denied / max(1, total)
    note = (
        f"{denied:,} of {total:,} rows ({share:.0%}): the classifier trained on real images gives "
        "them their own label with a probability below one half."
    )
    if share > MOST_DENIED:
        note += " Do not learn from these labels before a filter has taken such rows out."
    yield Gallery("Labels that their reader denies", note, tuple(shots))
