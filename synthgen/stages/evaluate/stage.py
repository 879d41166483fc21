"""Compare a finished dataset with real images: distances, variety, repeats, copies, labels, and,
where it is asked for, utility.

Leaves ``report/metrics.json`` (all figures and sentences) and ``report/evidence.json`` (what the
report shows of them), and puts the sentences into the card.
"""

from __future__ import annotations

from dataclasses import replace

from synthgen.data.splits import evenly
from synthgen.dataset.commit import disk_errors, write_json
from synthgen.evaluation.findings import judged
from synthgen.evaluation.record import Evaluation
from synthgen.features.extractor import load_extractor
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.machine.devices import resolve_device
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Label
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.attributes import attributes_read, edits_read
from synthgen.stages.evaluate.captions import retrievals
from synthgen.stages.evaluate.comparison import Compared
from synthgen.stages.evaluate.observations import Judge
from synthgen.stages.evaluate.originals import restorations
from synthgen.stages.evaluate.parts import parts_read, read_again
from synthgen.stages.evaluate.real_images import open_real, searched
from synthgen.stages.evaluate.solids import reconstruction
from synthgen.stages.finished.complete import write_card
from synthgen.stages.finished.dataset import Dataset, open_dataset
from synthgen.stages.finished.metrics import write_metrics
from synthgen.stages.finished.origin import load_origin
from synthgen.stages.judging.feature_cache import FeatureCache
from synthgen.stages.utility.real_images import utility_images
from synthgen.stages.utility.stage import utility

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
        utility_images(asked, dataset)
    device = resolve_device(settings.device)
    generator = _generator(settings, dataset)
    classes = generator.classes if generator else dataset.plan.classes
    how = settings.reading()
    real = open_real(settings.real, settings.real_split, dataset, classes, how)
    training = real
    if settings.train is not None:
        training = open_real(settings.train, settings.train_split, dataset, classes, how)
    extractor = load_extractor(
        _extractor_name(settings.extractor, dataset),
        device,
        classifier=generator.classifier if generator else None,
        owner=dataset.manifest.generator.name,
    )
    judge = Judge(generator, dataset, FeatureCache(extractor, device), device)

    made = judge.look(
        dataset.pieces(settings.images), min(dataset.plan.rows, settings.images), "synthetic images"
    )
    looked_at = real.rows[evenly(len(real.rows), settings.images)]
    true = judge.look_at(real, looked_at, "real images")
    known_rows = looked_at if training is real else looked_at[:0]
    trained = searched(training, known_rows, settings.train_images)
    known = judge.features_at(training, trained, true, known_rows)

    say("comparing")
    read = attributes_read(settings, dataset, generator, real)
    compared = Compared(settings, dataset, real, training, made, true, looked_at, trained, read)
    found, evidence = compared.with_training(known, extractor)
    near = restorations(dataset, generator, settings.images)
    parts = parts_read(settings, dataset, generator, real)
    evidence = replace(evidence, read_again=read_again(dataset, generator))
    edits = edits_read(settings, dataset, generator)
    own = retrievals(settings, dataset, generator, real)
    solids = reconstruction(dataset, generator, settings.images)
    if near or parts or edits or own or solids:
        found = replace(found, restorations=near, parts=parts, edits=edits, retrievals=own)
        found = judged(replace(found, reconstruction=solids))
    if asked is not None:
        found = replace(found, utility=utility(asked))
    layout = dataset.layout
    with disk_errors(layout.root):
        write_json(evidence.to_json(), layout.root / "report" / "evidence.json", layout.staging)
        write_metrics(layout, found)
        write_card(layout, dataset.manifest)
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
            origin = dataset.manifest.generator
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
    Label(generator.classes).indices(dataset.plan.classes, owner)
    if generator.image != dataset.image:
        raise SynthgenError(
            f"{owner} makes {generator.image} images, and those of {dataset.layout.root} are "
            f"{dataset.image}; name the bundle that made them"
        )
