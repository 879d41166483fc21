"""The audit of a run's translations: two readers asked, counted, drawn; and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from synthgen.data.splits import Labelled
from synthgen.dataset.codecs.registry import codec_of
from synthgen.dataset.run_settings import STORY
from synthgen.dataset.sheet import save_sheet
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.quality.filters import FilterSet
from synthgen.quality.rule import INFINITE, Bound
from synthgen.spec.columns import NAMED_BY
from synthgen.stages.adapt.audit import Audit, Verdicts, audit_of
from synthgen.stages.adapt.folder import Places
from synthgen.stages.adapt.readers import Reader
from synthgen.stages.finished.dataset import Dataset, open_dataset
from synthgen.stages.judging.stored_verdicts import Judged, read_rows
from synthgen.stages.sample.filter import FilterReport, Kept, write_kept
from synthgen.storage.whole import write_json_whole, write_whole, written_whole

SHOWN = 20
"""Examples of flipped rows that are drawn."""
COLUMNS = 10


def verdicts_of(
    made: Dataset, auditor: Reader, generator: Generator, device: torch.device
) -> Verdicts:
    """What both readers name for every row of a dataset, in the order of its shards."""
    assert generator.classifier is not None
    target = Reader(generator.classifier, 0.0)
    labels, first, second = [], [], []
    for images, own in made.pieces(made.plan.rows):
        labels.append(own)
        first.append(auditor.probabilities(images, device).argmax(axis=1))
        second.append(target.probabilities(images, device).argmax(axis=1))
    return Verdicts(np.concatenate(labels), np.concatenate(first), np.concatenate(second))


def audit(places: Places, auditor: Reader, device: torch.device, limit: float) -> Audit:
    """Ask, count, and leave ``audit.json``, ``audit.md`` and a picture of flipped rows."""
    made = open_dataset(places.made)
    generator = load_generator(str(places.translator), device=str(device))
    verdicts = verdicts_of(made, auditor, generator, device)
    found = audit_of(verdicts, made.plan.classes, auditor.right, limit)
    picture = _draw(made, verdicts, places.root / "audit.png")
    text = f"# Do translated images show what their rows say?\n\n{found.text()}"
    write_whole(places.report, text + picture)
    said = np.stack([verdicts.labels, verdicts.auditor, verdicts.target])
    with written_whole(_verdicts(places)) as beside, beside.open("wb") as file:
        np.save(file, said)
    write_json_whole(places.audit, found.to_json())
    return found


def known_audit(places: Places) -> Audit | None:
    """The audit that has been made; ``None``: it has not."""
    if not places.audit.exists():
        return None
    return Audit.from_json(json.loads(places.audit.read_text(encoding="utf-8")))


def _verdicts(places: Places) -> Path:
    return places.root / "verdicts.npy"


def _draw(made: Dataset, verdicts: Verdicts, path: Path) -> str:
    """Sources above the translations that show another class; Markdown that shows the picture."""
    rows = np.flatnonzero(verdicts.flipped)[:SHOWN]
    if not len(rows):
        return ""
    most, classes = made.plan.rows, made.plan.classes
    source = made.manifest.columns.fields["source"]
    cells = [made.cells("source", most)[row] for row in rows.tolist()]
    before = codec_of(source).decode(cells)
    after = np.stack(made.images_of(rows.tolist(), most))
    pairs = np.stack([before, after], axis=1).reshape(-1, *after.shape[1:])
    save_sheet(pairs, COLUMNS, path)
    named = ", ".join(
        f"{classes[int(verdicts.labels[row])]} shows {classes[int(verdicts.auditor[row])]}"
        for row in rows[:COLUMNS]
    )
    return (
        "\n## Flipped rows\n\nEach source with its translation beside it "
        f"({named}, ...):\n\n![flipped rows]({path.name})\n"
    )


def keep(places: Places, story: str) -> FilterReport:
    """The dataset of the translations whose label at least one of the readers names."""
    made = open_dataset(places.made)
    stacked = np.load(_verdicts(places), allow_pickle=False)
    named_by = Verdicts(*stacked).named_by
    classes, shards = made.plan.classes, made.plan.shards
    ends = np.cumsum([shard.rows for shard in shards])[:-1]
    parts = np.split(named_by, ends)
    every = len(classes)
    bound = Bound("denied", NAMED_BY, (1.0,) * every, (INFINITE,) * every)
    filters = FilterSet(classes, (bound,), exact_duplicates=False)
    judged = []
    for place, (shard, named) in enumerate(zip(shards, parts, strict=True)):
        rows = read_rows(made.layout, shard, made.manifest)
        denied = (named < 1).astype(np.int64)
        judged.append(Judged(place, rows.labels, rows.pixel_hashes, denied, {}))
    record = {
        **made.manifest.settings.record,
        "filters": filters.to_json(),
        "filtered_from": made.manifest.made.plan_hash,
        "filtered_settings": made.manifest.settings.hash,
        STORY: story,
    }
    kept = Kept(
        made.layout, made.manifest, filters, record, tuple(judged),
        {NAMED_BY: [part.astype(np.float32) for part in parts]},
    )  # fmt: skip
    return write_kept(kept, load_generator(str(places.translator)), places.kept)


def labelled_rows(folder: Path) -> Labelled:
    """All images of a finished dataset with their labels."""
    dataset = open_dataset(folder)
    parts = list(dataset.pieces(dataset.plan.rows))
    return Labelled(
        np.concatenate([images for images, _ in parts]),
        np.concatenate([labels for _, labels in parts]),
    )
