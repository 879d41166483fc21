"""Compare a finished dataset with real images: distances, variety, repeats, copies, labels, and,
where it is asked for, utility.

Leaves ``report/metrics.json`` (all figures and sentences) and ``report/evidence.json`` (what the
report shows of them), and puts the sentences into the card.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from synthgen.data.splits import evenly
from synthgen.dataset.commit import disk_errors, write_json
from synthgen.dataset.receipts import Receipt
from synthgen.evaluation.diversity import class_diversity
from synthgen.evaluation.evidence import Evidence
from synthgen.evaluation.findings import judged
from synthgen.evaluation.measures import Sides, compare, matched, nearest_class
from synthgen.evaluation.record import ClassEvaluation, Duplicates, Evaluation, Memorisation
from synthgen.evaluation.repeats import repeated, to_training, within
from synthgen.features.extractor import frechet_name, load_extractor
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.machine.devices import resolve_device
from synthgen.machine.progress import say
from synthgen.spec.condition import ClassCondition
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.evidence import map_points, repeated_pairs, training_pairs
from synthgen.stages.evaluate.observations import Judge, Looked, pieces_of
from synthgen.stages.evaluate.real_images import (
    RealImages,
    open_real,
    searched,
)
from synthgen.stages.finished.complete import write_card
from synthgen.stages.finished.dataset import Dataset, acceptance, open_dataset
from synthgen.stages.finished.metrics import write_metrics
from synthgen.stages.finished.origin import load_origin
from synthgen.stages.judging.feature_cache import FeatureCache
from synthgen.stages.judging.pixel_hashes import hashes_of
from synthgen.stages.utility.stage import utility, utility_images

PAIRS = 12
"""Pairs of images that the report shows of each kind."""

SMALL = 96
"""Input size in pixels that does for images up to it, at a fifth of the cost of 224."""


def evaluate(settings: EvaluateSettings) -> Evaluation:
    """Evaluate a dataset; started again after whatever end it goes on from the features it has.

    Raises:
        SynthgenError: no finished dataset, its generator or the extractor is not to be had, or the
            real images lack a class.
    """
    dataset = open_dataset(settings.dataset)
    asked = settings.for_utility()
    if asked is not None:  # what is missing is told before anything takes its time
        utility_images(asked, dataset.plan.classes, dataset.image)
    device = resolve_device(settings.device)
    generator = _generator(settings, dataset)
    classes = generator.classes if generator else dataset.plan.classes
    real = open_real(settings.real, settings.real_split, dataset, classes)
    training = real
    if settings.train is not None:
        training = open_real(settings.train, settings.train_split, dataset, classes)
    extractor = load_extractor(
        _extractor_name(settings.extractor, dataset), device,
        classifier=generator.classifier if generator else None,
        owner=dataset.manifest["generator"]["name"],
    )  # fmt: skip
    judge = Judge(generator, dataset, FeatureCache(extractor, device), device)

    made = judge.look(dataset.pieces(settings.images), min(dataset.plan.rows, settings.images),
                      "synthetic images")  # fmt: skip
    looked_at = real.rows[evenly(len(real.rows), settings.images)]
    true = judge.look_at(real, looked_at, "real images")
    known_rows = looked_at if training is real else looked_at[:0]
    trained = searched(training, known_rows, settings.train_images)
    known = judge.features_at(training, trained, true, known_rows)

    say("comparing")
    sides = matched(true.labels, made.labels, len(dataset.plan.classes))
    near = within(
        made.features[torch.from_numpy(sides.made)],
        true.features[torch.from_numpy(sides.reference)],
        true.features[torch.from_numpy(sides.real)],
        PAIRS,
    )
    held, unseen = _unseen(real, training, true, looked_at)
    copied = to_training(made.features, known, held, PAIRS)
    found = judged(
        Evaluation(
            dataset=dataset.layout.root.resolve().name,
            shards=dataset.shards,
            extractor=extractor.name,
            fid=frechet_name(extractor) == "FID",
            real=real.data.name,
            real_fingerprint=real.data.fingerprint,
            seen=real.seen,
            images=len(made.labels),
            real_images=len(true.labels),
            overall=compare(true.features, made.features, sides),
            classes=tuple(_classes(dataset, real, looked_at, made, true, sides)),
            acceptance=acceptance(dataset),
            duplicates=Duplicates(
                rows=dataset.plan.rows,
                exact=repeated(dataset.hashes()),
                real_rows=len(true.hashes),
                real_exact=repeated(true.hashes),
                near=near,
            ),
            memorisation=Memorisation(
                training=training.data.name,
                known=training.seen or settings.train is not None,
                total=len(_trained(training)),
                searched=len(trained),
                unseen=unseen,
                rows=len(made.hashes),
                copies=_copies(made, training),
                near=copied,
            ),
        )
    )
    evidence = Evidence(
        shards=found.shards,
        training_pairs=training_pairs(settings, dataset, training, trained, made, copied),
        repeated_pairs=repeated_pairs(settings, dataset, made, sides, near),
        points=map_points(made, true),
    )
    if asked is not None:
        found = replace(found, utility=utility(asked))
    layout = dataset.layout
    with disk_errors(layout.root):
        write_json(evidence.to_json(), layout.root / "report" / "evidence.json", layout.staging)
        write_metrics(layout, found)
        receipts = [Receipt(**record) for record in dataset.manifest["receipts"]]
        write_card(layout, dataset.plan, receipts, dataset.manifest)
    return found


def _extractor_name(name: str, dataset: Dataset) -> str:
    if name != "auto":
        return name
    small = max(dataset.image.height, dataset.image.width) <= SMALL
    return f"efficientnet-lite0@{SMALL}" if small else "efficientnet-lite0"


def _generator(settings: EvaluateSettings, dataset: Dataset) -> Generator | None:
    """The dataset's generator, whose classifier judges labels; it may be missed, and that is said.

    Raises:
        SynthgenError: the one named by the user is not to be had, or the extractor needs one.
    """
    try:
        if settings.generator is not None:
            generator = load_generator(settings.generator, settings.device, "fp32")
            _refuse_other_kind(generator, dataset)
        else:
            origin = dataset.manifest["generator"]
            generator = load_origin(dataset.layout.root, origin, None, settings.device)
    except SynthgenError as error:
        if settings.generator is not None or settings.extractor == "classifier":
            raise
        say(f"labels are not judged: {error}")
        return None
    if generator.classifier is None:
        say(f"labels are not judged: generator '{generator.name}' has no label classifier")
    return generator


def _refuse_other_kind(generator: Generator, dataset: Dataset) -> None:
    """A bundle that did not make the dataset may judge it, if it knows its kind of images."""
    owner = f"generator '{generator.name}'"
    ClassCondition(generator.classes).indices(dataset.plan.classes, owner)
    if generator.image != dataset.image:
        raise SynthgenError(
            f"{owner} makes {generator.image} images, and those of {dataset.layout.root} are "
            f"{dataset.image}; name the bundle that made them"
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
    for label, name in enumerate(tqdm(names, unit="class", desc="measuring")):
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
