"""Datasets with any fields, written without a generator."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from synthgen.dataset.codecs.registry import codec_of
from synthgen.dataset.columns import columns_of
from synthgen.dataset.encoding.images import encode
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest, Provenance
from synthgen.dataset.rows import Rows
from synthgen.dataset.run_settings import RunSettings
from synthgen.dataset.writer import Made, write_shard
from synthgen.spec.fields import Image, Label
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.provenance import Origin, TrainingRecord
from synthgen.spec.task import Task
from synthgen.stages.finished.complete import complete


def write_dataset(root: Path, images, labels, classes, fields, rows, splits=("train",)) -> Path:
    """A finished dataset of images ``uint8 [N, H, W, C]``, and further ``fields`` with their stored
    ``rows`` by name; the rows are shared among the splits in turn, a shard each."""
    _, height, width, channels = images.shape
    known = {"image": Image(height, width, channels), "label": Label(tuple(classes)), **fields}
    given = ("label", *fields)
    task = Task(known, given, ("image",), (("image", *given),), stratum="label")
    columns = columns_of(task)
    parts = [np.arange(len(images))[at :: len(splits)] for at in range(len(splits))]
    shards = tuple(
        ShardPlan(at, split, at, tuple(np.bincount(labels[part], minlength=len(classes)).tolist()))
        for at, (split, part) in enumerate(zip(splits, parts, strict=True))
    )
    plan, layout, receipts = Plan(tuple(classes), 0, shards), Layout(root), []
    layout.receipts.mkdir(parents=True)
    for shard, part in zip(shards, parts, strict=True):
        cells = {
            name: codec_of(field).encode(rows[name][part], lambda pixels: encode(pixels, "png"))
            for name, field in fields.items()
        }
        numbers = np.arange(len(part))
        made = Rows(
            encode(images[part], "png"), labels[part], numbers, labels[part], numbers, {},
            columns=columns, cells=cells,
        )  # fmt: skip
        receipts.append(write_shard(layout, plan, shard, Made(made, None, {}, {}, "test", "")))
    origin = Origin(
        "none", "pix2pix", task.image, "0" * 64, TrainingRecord(), (), made_for=task.to_json()
    )
    settings = RunSettings({"n": len(labels), "image_format": "png"})
    keys = {name: label for label, name in enumerate(classes)}
    made_of = Provenance(plan, settings, origin, keys, plan.hash)
    complete(layout, Manifest(made_of, "test", "", (), tuple(receipts)))
    return root


@contextmanager
def stopped_at_file(monkeypatch, number: int):
    """Within, whatever renames files to their final names is stopped at the one of this number;
    gives the list of those that came before it, and it."""
    real, written = os.replace, []

    def stopping(source, target):
        written.append(target)
        if len(written) == number:
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", stopping)
        yield written
