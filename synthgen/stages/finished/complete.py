"""The last steps of a dataset whose shards are done: contact sheet, manifest, last the card."""

from __future__ import annotations

import numpy as np

from synthgen.dataset.card import dataset_card
from synthgen.dataset.commit import (
    disk_errors,
    publish,
    staged_name,
    sweep,
    write_json,
    write_text,
)
from synthgen.dataset.encoding.images import encode
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest
from synthgen.dataset.sheet import COLUMNS, MOST_CLASSES, contact_sheet
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan
from synthgen.stages.finished.images import first_images
from synthgen.stages.finished.metrics import quality_text
from synthgen.storage.lock import refuse_lost


def complete(layout: Layout, manifest: Manifest) -> None:
    """Contact sheet, manifest and card of shards that all have receipts.

    Raises:
        SynthgenError: the disk is full or cannot be written, or another process took the folder.
    """
    refuse_lost(layout.root)
    with disk_errors(layout.root):
        _draw(layout, manifest.plan, manifest.generator.image)
        write_json(manifest.to_json(), layout.manifest, layout.staging)
        sweep(layout.staging)
        write_card(layout, manifest)


def write_card(layout: Layout, manifest: Manifest) -> None:
    """The card, with what an evaluation of just these images found, if there was one."""
    quality = quality_text(layout, manifest)
    text = dataset_card(layout, manifest, quality)
    write_text(text, layout.card, layout.staging)


def _draw(layout: Layout, plan: Plan, image: ImageSpec) -> None:
    """The first images of each class: rows lie in a random order, so they are a random choice."""
    names = plan.classes[:MOST_CLASSES]
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    wanted = {name: min(COLUMNS, plan.per_class[name]) for name in names}
    for pixels, labels in first_images(layout, plan, image):
        for row, label in enumerate(labels.tolist()):
            if label < len(names) and len(found[names[label]]) < wanted[names[label]]:
                found[names[label]].append(pixels(row))
        if all(len(found[name]) >= wanted[name] for name in names):
            break
    sheet = contact_sheet([(name, np.stack(batch)) for name, batch in found.items() if batch])
    layout.staging.mkdir(parents=True, exist_ok=True)
    staged = layout.staging / staged_name("contact-sheet")
    staged.write_bytes(encode(np.asarray(sheet)[None], "png")[0])
    publish(staged, layout.contact_sheet)
