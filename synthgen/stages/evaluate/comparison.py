"""The figures of an evaluation: made images beside real ones, and beside those trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from synthgen.evaluation.diversity import class_diversity
from synthgen.evaluation.evidence import Evidence
from synthgen.evaluation.findings import judged
from synthgen.evaluation.linear_probe import fit_probe, share_right
from synthgen.evaluation.measures import Sides, compare, matched, nearest_class
from synthgen.evaluation.record import (
    AttributeEvaluation,
    ClassEvaluation,
    Duplicates,
    Evaluation,
    Memorisation,
)
from synthgen.evaluation.repeats import Closeness, repeated, to_training, within
from synthgen.features.extractor import ClassifierFeatures, Extractor, frechet_name
from synthgen.machine.progress import over
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.evidence import map_points, repeated_pairs, training_pairs
from synthgen.stages.evaluate.observations import Looked, pieces_of
from synthgen.stages.evaluate.real_images import RealImages
from synthgen.stages.finished.dataset import Dataset, acceptance
from synthgen.stages.judging.pixel_hashes import hashes_of

PAIRS = 12
"""Pairs of images that the report shows of each kind."""


@dataclass(frozen=True)
class Compared:
    """Made images beside real ones and training ones."""

    settings: EvaluateSettings
    dataset: Dataset
    real: RealImages
    training: RealImages
    made: Looked
    true: Looked
    looked_at: np.ndarray
    """Rows of ``real``."""
    trained: np.ndarray
    """Rows of ``training``."""
    attributes: tuple[AttributeEvaluation, ...]
    """As the bundle's reader sees them."""

    def with_training(self, known: Tensor, extractor: Extractor) -> tuple[Evaluation, Evidence]:
        """Figures and sentences, and what the report shows of them.

        ``known`` are the features of the training images.
        """
        dataset, made, true = self.dataset, self.made, self.true
        sides = matched(true.labels, made.labels, len(dataset.plan.classes))
        near = within(
            made.features[torch.from_numpy(sides.made)],
            true.features[torch.from_numpy(sides.reference)],
            true.features[torch.from_numpy(sides.real)],
            PAIRS,
        )
        held, unseen = _unseen(self.real, self.training, true, self.looked_at)
        copied = to_training(made.features, known, held, PAIRS)
        # The classifier's own features are no second witness.
        probed = None if isinstance(extractor, ClassifierFeatures) else _probed(
            made, true, len(dataset.plan.classes)
        )  # fmt: skip
        found = judged(
            Evaluation(
                attributes=self.attributes,
                dataset=dataset.layout.root.resolve().name,
                shards=dataset.shards,
                extractor=extractor.name,
                fid=frechet_name(extractor) == "FID",
                real=self.real.data.name,
                real_fingerprint=self.real.data.fingerprint,
                seen=self.real.seen,
                images=len(made.labels),
                real_images=len(true.labels),
                overall=compare(true.features, made.features, sides),
                classes=_with_probe(
                    _classes(dataset, self.real, self.looked_at, made, true, sides), probed
                ),
                acceptance=acceptance(dataset),
                duplicates=Duplicates(
                    rows=dataset.plan.rows,
                    exact=repeated(dataset.hashes()),
                    real_rows=len(true.hashes),
                    real_exact=repeated(true.hashes),
                    near=near,
                ),
                memorisation=self._memorisation(copied, unseen),
            )
        )
        settings, training = self.settings, self.training
        evidence = Evidence(
            shards=found.shards,
            training_pairs=training_pairs(settings, dataset, training, self.trained, made, copied),
            repeated_pairs=repeated_pairs(settings, dataset, made, sides, near),
            points=map_points(made, true),
        )
        return found, evidence

    def _memorisation(self, near: Closeness | None, unseen: str) -> Memorisation:
        training = self.training
        return Memorisation(
            training=training.data.name,
            known=training.seen or self.settings.train is not None,
            total=len(_trained(training)),
            searched=len(self.trained),
            unseen=unseen,
            rows=len(self.made.hashes),
            copies=_copies(self.made, training),
            near=near,
            agrees=self.dataset.task.agrees,
        )


def _trained(training: RealImages) -> np.ndarray:
    return training.rows if training.held is None else np.setdiff1d(training.rows, training.held)


def _copies(made: Looked, training: RealImages) -> int:
    """How many made images are, pixel for pixel or mirrored, one of the training images."""
    theirs = [hashes_of(training.data.images[part]) for part in pieces_of(_trained(training))]
    known = np.unique(np.concatenate(theirs))
    return int((np.isin(made.hashes, known) | np.isin(made.mirrored, known)).sum())


def _unseen(
    real: RealImages, training: RealImages, true: Looked, looked_at: np.ndarray
) -> tuple[Tensor | None, str]:
    """Features of real images that training did not show, and what they are."""
    if training is not real:
        return true.features, f"the real images compared with ({real.data.name})"
    if real.held is not None:
        own = np.isin(looked_at, real.held)
        if own.sum() >= 100:
            return true.features[torch.from_numpy(own)], "images held out from training"
    return None, "each training image, looked at beside the others"


def _classes(
    dataset: Dataset, real: RealImages, looked_at: np.ndarray, made: Looked, true: Looked,
    sides: Sides,
) -> list[ClassEvaluation]:  # fmt: skip
    names = dataset.plan.classes
    count = len(names)
    own_labels, real_labels = torch.from_numpy(made.labels), torch.from_numpy(true.labels)
    diversity = _relative_diversity(
        (made.features, made.thumbnails), own_labels, (true.features, true.thumbnails),
        real_labels, count,
    )  # fmt: skip
    halves = [_rows(true, rows) for rows in (sides.real, sides.reference)]
    labels = torch.from_numpy(sides.labels)
    real_diversity = _relative_diversity(halves[0], labels, halves[1], labels, count)
    # What the classifier says of images it has learnt from flatters.
    fair = np.isin(looked_at, real.held) if real.held is not None else np.full(len(looked_at), True)
    found = []
    for label, name in enumerate(over(names, len(names), "measuring", "class")):
        own, theirs = made.labels == label, true.labels == label
        compared = compare(true.features, made.features, sides.of(label))
        other = nearest_class(true.features, sides, label, count) if compared else None
        if compared and other:
            compared = compared.beside(names[other[0]], other[1])
        found.append(
            ClassEvaluation(
                name=name,
                images=int(own.sum()),
                real_images=int(theirs.sum()),
                diversity=diversity[label],
                real_diversity=real_diversity[label],
                agreement=_share(made.agrees[own]),
                real_agreement=_share(true.agrees[theirs & fair]),
                compared=compared,
            )
        )
    return found


def _probed(
    made: Looked, true: Looked, classes: int
) -> list[tuple[float | None, float | None]] | None:
    """The share of made images, and of real ones that it was not fitted to, of each class to which
    a linear probe gives their own label; ``None`` with too few real images to fit one."""
    # Every second real image of each class: an order in the folder is none between the halves.
    order = np.argsort(true.labels, kind="stable")
    fitted, other = (torch.from_numpy(np.sort(order[start::2])) for start in (0, 1))
    own, real = torch.from_numpy(made.labels), torch.from_numpy(true.labels)
    probe = fit_probe(true.features[fitted], real[fitted], classes)
    if probe is None:
        return None
    return list(
        zip(
            share_right(probe.classes_of(made.features), own, classes),
            share_right(probe.classes_of(true.features[other]), real[other], classes),
            strict=True,
        )
    )


def _with_probe(
    entries: list[ClassEvaluation], probed: list[tuple[float | None, float | None]] | None
) -> tuple[ClassEvaluation, ...]:
    if probed is None:
        return tuple(entries)
    return tuple(
        replace(entry, probe_agreement=made, real_probe_agreement=real)
        for entry, (made, real) in zip(entries, probed, strict=True)
    )


def _rows(looked: Looked, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    at = torch.from_numpy(rows)
    return looked.features[at], looked.thumbnails[at]


def _relative_diversity(
    made: tuple[Tensor, Tensor], labels: Tensor, real: tuple[Tensor, Tensor], real_labels: Tensor,
    count: int,
) -> list[float | None]:  # fmt: skip
    """Spread of each class as a share of the real one, in features or pixels, whichever is less.

    Features exaggerate what small differences there are: a collapsed class may have a third of the
    real spread in them and next to none in pixels.
    """
    shares = torch.stack([
        class_diversity(own, labels, count) / class_diversity(theirs, real_labels, count)
        for own, theirs in zip(made, real, strict=True)
    ])  # fmt: skip
    least = shares.min(dim=0).values
    return [float(share) if torch.isfinite(share) else None for share in least]


def _share(agrees: np.ndarray) -> float | None:
    return None if not len(agrees) or agrees.min() < 0 else float(agrees.mean())
