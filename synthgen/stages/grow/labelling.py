"""One labelling of the pool: what was kept, how sure it is, and what of known labels was told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.dataset.commit import disk_errors
from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError
from synthgen.stages.grow.ensemble import Ensemble, Teaching, train_members
from synthgen.stages.grow.folder import RoundFolder
from synthgen.stages.grow.inputs import Inputs
from synthgen.stages.grow.select import Chosen, choose
from synthgen.storage.whole import write_json_whole, written_whole
from synthgen.training.fixed_budget import Source


@dataclass(frozen=True)
class RoundRecord:
    """What is written down of a labelling."""

    number: int
    """From 1 on; the one after all rounds is the last."""
    kept: Mapping[str, int]
    """Class to its pool images that keep their label."""
    sure: Mapping[str, float]
    """Class to the mean confidence of these, 0 to 1; 0 where there are none."""
    unsure: int
    """Pool images left out for too little confidence; those of unknown classes are among them."""
    surplus: int
    """Pool images left out because their class had too many."""
    known: int
    """Pool images that are labelled ones."""
    confidence: float
    """The least that was asked for."""
    temperature: float | None
    """By which the classifiers' logits were divided; ``None`` where nothing was held out."""
    held_out: float | None
    """Accuracy (0 to 1) on labels that their classifier had not seen; ``None`` without any."""
    held_images: int
    test: float | None
    """Accuracy (0 to 1) on the test images, by which nothing is chosen; ``None`` without any."""

    def line(self, rounds: int) -> str:
        """One line for a terminal."""
        name = "labels at the end" if self.number > rounds else f"round {self.number}"
        total = sum(self.kept.values())
        parts = [f"{name}: {total:,} pool images kept, {self.unsure:,} unsure"]
        if self.surplus:
            parts.append(f"{self.surplus:,} of classes that had too many")
        if self.held_out is not None:
            parts.append(f"{self.held_out:.1%} of {self.held_images:,} held-out labels told")
        else:
            parts.append("not calibrated: no label was held out")
        if self.test is not None:
            parts.append(f"{self.test:.1%} on the test images")
        return ", ".join(parts)

    def by_class(self) -> list[str]:
        """A line for each class: how many are kept, and how sure."""
        return [
            f"  {name}: {count:,} kept"
            + (f", mean confidence {self.sure[name]:.2f}" if count else "")
            for name, count in self.kept.items()
        ]

    @staticmethod
    def from_json(record: Any) -> RoundRecord:
        """The record of a JSON object.

        Raises:
            TypeError: it is none.
        """
        return RoundRecord(**record)


def label_pool(
    number: int,
    inputs: Inputs,
    share: float,
    others: Sequence[Source],
    teaching: Teaching,
    where: RoundFolder,
    *,
    confidence: float,
    ratio: float,
) -> RoundRecord:
    """Train the classifiers, label the pool, and keep both; read if that has been done.

    ``share`` of each batch is labelled images, ``others`` is what else is shown.

    Raises:
        SynthgenError: no image of the pool, or images of one class alone, can be kept; or the disk
            is full.
    """
    known = read_record(where)
    if known is not None:
        return known
    device = teaching.device
    total = teaching.members * teaching.budget.steps * teaching.budget.batch_size
    with disk_errors(where.root), Progress(total, f"classifiers of labelling {number}") as progress:
        ensemble = train_members(
            inputs.given,
            share,
            others,
            inputs.pool.images,
            teaching,
            where.classifiers,
            progress.add,
        )
    chosen = choose(
        ensemble.probabilities(inputs.pool.images, device), inputs.shares,
        confidence=confidence, ratio=ratio, known=inputs.known,
    )  # fmt: skip
    record = _record(number, inputs, ensemble, chosen, teaching, confidence)
    _refuse_one_sided(record, confidence)
    with disk_errors(where.root):
        _write(where, chosen)
        write_json_whole(where.record, asdict(record))
    return record


def read_record(where: RoundFolder) -> RoundRecord | None:
    """The record of a labelling that is done; ``None`` if it is not."""
    try:
        return RoundRecord.from_json(json.loads(where.record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def read_labels(where: RoundFolder) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a labelling said of the pool: labels ``int64 [N]``, confidence ``float32 [N]``, and
    which are kept, ``bool [N]``."""
    table = pq.read_table(where.labels)
    labels, confidence, kept = (
        table.column(name).to_numpy() for name in ("label", "confidence", "kept")
    )
    return labels, confidence, kept


def _record(
    number: int, inputs: Inputs, ensemble: Ensemble, chosen: Chosen, teaching: Teaching,
    confidence: float,
) -> RoundRecord:  # fmt: skip
    counts = chosen.counts(teaching.classes)
    sums = np.bincount(
        chosen.labels[chosen.kept], weights=chosen.confidence[chosen.kept],
        minlength=teaching.classes,
    )  # fmt: skip
    test = None
    if inputs.test is not None:
        said = ensemble.probabilities(inputs.test.images, teaching.device).argmax(axis=1)
        test = round(float((said == inputs.test.labels).mean()), 6)
    held = ensemble.held_out
    return RoundRecord(
        number,
        {name: int(n) for name, n in zip(inputs.classes, counts, strict=True)},
        {
            name: round(float(total / max(1, n)), 4)
            for name, n, total in zip(inputs.classes, counts, sums, strict=True)
        },
        chosen.unsure,
        chosen.surplus,
        int(inputs.known.sum()),
        confidence,
        ensemble.temperature,
        None if held is None else round(held, 6),
        ensemble.held_images,
        test,
    )


def _refuse_one_sided(record: RoundRecord, confidence: float) -> None:
    there = [name for name, count in record.kept.items() if count]
    if len(there) > 1:
        return
    what = "no image" if not there else f"images of the one class '{there[0]}' alone"
    raise SynthgenError(
        f"the classifiers are sure of {what} of the pool (at least {confidence:g}): label more "
        "images, name a pool of the same kind of images, or lower --confidence"
    )


def _write(where: RoundFolder, chosen: Chosen) -> None:
    table = pa.table({
        "row": pa.array(np.arange(len(chosen.labels))), "label": pa.array(chosen.labels),
        "confidence": pa.array(chosen.confidence), "kept": pa.array(chosen.kept),
    })  # fmt: skip
    with written_whole(where.labels) as beside:
        pq.write_table(table, beside)
