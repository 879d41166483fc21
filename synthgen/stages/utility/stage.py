"""Train one fixed classifier on real, on synthetic and on both, and test it on real images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from synthgen.data.cache import ImageData
from synthgen.data.splits import Labelled, evenly
from synthgen.data.strata import load_strata
from synthgen.dataset.commit import disk_errors, write_json
from synthgen.dataset.manifest import Manifest
from synthgen.evaluation.utility import Utility, flattered
from synthgen.evaluation.utility_rows import (
    SAW_ALL,
    SAW_NOTHING,
    SAW_THESE,
    SAW_UNKNOWN,
    UtilityRow,
)
from synthgen.machine.progress import Progress, say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.utility import ALL, UtilitySettings
from synthgen.spec.task import ALL as FLAT
from synthgen.stages.finished.dataset import Dataset, open_dataset
from synthgen.stages.judging.pixel_hashes import hashes_of
from synthgen.stages.utility.attribute import Target
from synthgen.stages.utility.duration import say_duration
from synthgen.stages.utility.groups import Groups, groups_of
from synthgen.stages.utility.places import Placed, PlaceTarget, PlaceTrials, learnt_of
from synthgen.stages.utility.protocol import protocol_of
from synthgen.stages.utility.real_images import RealImages, generators_own, utility_images
from synthgen.stages.utility.soft_labels import soft_labels
from synthgen.stages.utility.trials import Attacked, Beside, Kind, Trials, synthetic_images
from synthgen.training.fixed_budget import AnyBudget, Budget
from synthgen.training.strong_budget import StrongBudget


def utility(settings: UtilitySettings) -> Utility:
    """Measure, and leave ``report/utility.json`` in the dataset's folder after each round of seeds.

    Every classifier's result is kept in the cache folder under a key of all that decides it: a run
    that was stopped goes on, and another dataset shares the rows of real images alone.

    Raises:
        SynthgenError: no finished dataset, the real images lack a class or images, or are the test
            images.
    """
    dataset = open_dataset(settings.dataset)
    layout, manifest = dataset.layout, dataset.manifest
    images = utility_images(settings, dataset)
    real, test = images.real, images.test
    kinds = _kinds(settings, real)
    target = learnt_of(dataset, settings)
    budget = _budget(settings, manifest, dataset.image, isinstance(target, PlaceTarget))
    most = budget.steps * budget.batch_size  # more could never be shown
    made = _made(settings, dataset, target, most)
    trials = _trials(settings, budget, images, dataset, target, made, most)
    scoring = _scoring(trials, real)
    saw = _what_it_saw(manifest, images.whole_fingerprint, kinds)
    shared = _among(test.images, real.images)
    found: dict[Kind, list[np.ndarray]] = {kind: [] for kind in kinds}
    attacks: dict[Kind, list[Attacked]] = {kind: [] for kind in kinds}
    if isinstance(trials, Trials) and isinstance(budget, StrongBudget):
        _say_duration(settings, budget, trials, kinds, real)
    record = None
    total = settings.seeds * sum(kind.trainings for kind in kinds) * most
    with Progress(total, "training classifiers") as progress:
        for seed in range(settings.seeds):
            for kind in kinds:
                found[kind].append(trials.result(kind, seed, progress.add))
                if settings.membership and isinstance(trials, Trials):
                    attacks[kind].append(trials.attacked(kind, seed))
            record = Utility(
                dataset=layout.root.resolve().name,
                generator=manifest.generator.name,
                generator_saw=saw,
                classes=scoring.parts,
                real=real.name,
                real_fingerprint=real.fingerprint,
                test=images.test_name,
                test_fingerprint=test.fingerprint,
                test_images=len(test.labels),
                shared_images=shared,
                seeds=tuple(range(seed + 1)),
                protocol=protocol_of(settings, budget, dataset, target, scoring.measure),
                rows=tuple(
                    _row(kind, found[kind], attacks[kind], real, made, saw, scoring)
                    for kind in kinds
                ),
                groups=scoring.group_names(found[kinds[0]]),
                shared_unlabelled=trials.beside.tested if isinstance(trials, Trials) else 0,
            )
            with disk_errors(layout.root):
                path = layout.root / "report" / "utility.json"
                write_json(record.to_json(), path, layout.staging)
    assert record is not None
    return record


@dataclass(frozen=True)
class _Scoring:
    """What a result is: of which parts, and by which measure."""

    parts: tuple[str, ...]
    measure: str
    """Of a column of places; empty where classes are told apart."""
    groups: Groups | None = None

    def group_names(self, results: Sequence[np.ndarray]) -> tuple[str, ...]:
        """Those that the test images have."""
        return () if self.groups is None else self.groups.accuracies(results[0], self.parts)[0]

    def by_group(self, results: Sequence[np.ndarray]) -> tuple[tuple[float, ...], ...]:
        """The accuracy on each group, for each seed."""
        if self.groups is None:
            return ()
        return tuple(self.groups.accuracies(counts, self.parts)[1] for counts in results)

    def of(self, results: Sequence[np.ndarray]) -> tuple[list[float], np.ndarray]:
        """The measure of each seed, and the mean over the seeds of each part: accuracies of
        confusion counts, or the mean over the parts of values of each."""
        if self.measure:
            return [float(values.mean()) for values in results], np.stack(results).mean(axis=0)
        if self.groups is not None:
            results = [counts.sum(axis=0) for counts in results]
        by_class = np.stack([c.diagonal() / np.maximum(1, c.sum(axis=1)) for c in results])
        return [float(c.trace() / c.sum()) for c in results], by_class.mean(axis=0)


def _scoring(trials: Trials | PlaceTrials, real: ImageData) -> _Scoring:
    if isinstance(trials, PlaceTrials):
        return _Scoring(trials.parts, trials.measure)
    return _Scoring(real.classes, "", trials.beside.groups)


def _trials(
    settings: UtilitySettings, budget: AnyBudget, images: RealImages, dataset: Dataset,
    target: Target | PlaceTarget | None, made: Labelled, most: int,
) -> Trials | PlaceTrials:  # fmt: skip
    """What trains the rows of the table."""
    key = [dataset.shards, most, *([] if target is None else [target.name])]
    if isinstance(target, PlaceTarget):
        assert images.real_rows is not None and images.test_rows is not None
        assert isinstance(budget, Budget)
        if settings.baseline or settings.group is not None or settings.membership:
            raise SynthgenError(
                f"--baseline, --group and --membership are of classes, and {target.name} is learnt "
                "here; leave them out"
            )
        say(f"{target.name} is learnt in place of the label")
        real, test = (
            Placed(Labelled(data.images, data.labels), rows, data.fingerprint)
            for data, rows in (
                (images.real, images.real_rows), (images.test, images.test_rows)
            )
        )  # fmt: skip
        own = Placed(made, target.of_made(dataset, most), dataset.shards)
        return PlaceTrials(settings, budget, target, real, test, own, key)
    soft = None if target is not None else soft_labels(settings, dataset, made, most)
    beside = _beside(settings, images, None if target is None else target.name, most)
    if settings.membership:
        beside = replace(beside, generators_own=generators_own(dataset.manifest, images))
    return Trials(settings, budget, images.real, images.test, made, key, soft, beside)


def _budget(
    settings: UtilitySettings, manifest: Manifest, image: ImageSpec, placed: bool
) -> AnyBudget:
    """The protocol that is asked for; of columns of places there is the quick one alone."""
    budget: AnyBudget = Budget() if settings.quick or placed else StrongBudget.of(image)
    return replace(
        budget,
        steps=settings.steps,
        batch_size=settings.batch_size or budget.batch_size,
        width=settings.width or budget.width,
        flip=_flips(manifest) if settings.flip is None else settings.flip,
    )


def _beside(
    settings: UtilitySettings, images: RealImages, attribute: str | None, most: int
) -> Beside:
    """Groups and unlabelled images, ``most`` at most, where they are asked for."""
    groups = None
    if settings.group is not None:
        groups = groups_of(settings.group, images, attribute)
    if settings.unlabelled is None:
        return Beside(groups)
    pool = load_strata(DataSettings.parse({
        **settings.reading(), **images.real.image.as_settings(), "data": settings.unlabelled,
        "split": settings.unlabelled_split, "classes": (FLAT,), "min_per_class": 1,
    }))  # fmt: skip
    rows = evenly(len(pool.images), most)
    own = f"{pool.fingerprint}, {len(rows)} of them"
    say(f"unlabelled images: {len(rows):,} of {pool.name}, whatever labels they have")
    tested = _among(images.test.images, pool.images[rows])
    if tested:
        say(flattered(tested, len(images.test.labels)))
    return Beside(groups, pool.images[rows], own, tested)


def _among(images: np.ndarray, others: np.ndarray) -> int:
    """Images that are among the others, too, pixel by pixel."""
    return int(np.isin(hashes_of(images), hashes_of(others)).sum())


def _say_duration(
    settings: UtilitySettings, budget: StrongBudget, trials: Trials, kinds: Sequence[Kind],
    real: ImageData,
) -> None:  # fmt: skip
    seeds = range(settings.seeds)
    left = sum(k.trainings for k in kinds for seed in seeds if not trials.knows(k, seed))
    say_duration(settings, budget, real.images, left)


def _made(
    settings: UtilitySettings, dataset: Dataset, target: Target | PlaceTarget | None, most: int
) -> Labelled:
    """The dataset's images with their classes, or those of the attribute that is learnt."""
    if target is None or isinstance(target, PlaceTarget):
        return synthetic_images(dataset, most)
    if settings.soft_labels:
        raise SynthgenError("soft_labels: are of the label, and an attribute is learnt here")
    say(f"an attribute is learnt in place of the label: {target.name}")
    return target.put_made(dataset, synthetic_images(dataset, most), most)


def _flips(manifest: Manifest) -> bool:
    """Whether all generators of the dataset were shown mirrored images."""
    made = manifest.parts or (manifest.made,)
    return all(part.generator.trained.flip for part in made)


def _kinds(settings: UtilitySettings, real: ImageData) -> list[Kind]:
    """The rows of the table; sizes that the largest class does not reach are left out."""
    counts = np.bincount(real.labels, minlength=len(real.classes))
    has = f"{real.name}: has at most {counts.max():,} images of a class"
    wanted = sorted(int(size) for size in settings.sizes if size != ALL)
    few = [size for size in wanted if size < counts.max()]
    sizes: list[int | None] = [*few, *([None] if ALL in settings.sizes else [])]
    if not sizes:
        raise SynthgenError(f"{has}; name a smaller size, or 'all'")
    if len(few) < len(wanted):
        say(f"{has}; no row of {' or '.join(f'{size:,}' for size in wanted[len(few) :])}")
    least = int(counts.argmin())
    if few and counts[least] < few[-1]:
        say(f"{real.name}: class '{real.classes[least]}' has {counts[least]:,} images, of which "
            "rows of more take all")  # fmt: skip
    return [
        *(Kind("real", size, 0.0) for size in sizes),
        *(Kind("real", size, 0.0, name) for name in settings.baseline for size in sizes),
        Kind("synthetic", 0, 1.0),
        *(Kind("real + synthetic", size, settings.synthetic_share) for size in sizes),
    ]


def _what_it_saw(manifest: Manifest, real: str, kinds: Sequence[Kind]) -> str:
    """Of all rows together: small parts of what a generator learnt from are not all it saw."""
    made = manifest.parts or (manifest.made,)
    prints = {part.generator.trained.data_fingerprint for part in made}
    if prints != {real}:
        return SAW_UNKNOWN
    return SAW_THESE if all(kind.size in (None, 0) for kind in kinds) else SAW_ALL


def _row(
    kind: Kind, results: Sequence[np.ndarray], attacks: Sequence[Attacked], real: ImageData,
    made: Labelled, saw: str, scoring: _Scoring,
) -> UtilityRow:  # fmt: skip
    sizes = np.bincount(real.labels, minlength=len(real.classes))
    taken = sizes if kind.size is None else np.minimum(sizes, kind.size)
    scores, by_part = scoring.of(results)
    return UtilityRow(
        trained_on=kind.trained_on,
        real_per_class=int(taken.max()),
        all_real=kind.size is None,
        real_images=int(taken.sum()),
        synthetic_images=len(made.labels) if kind.share else 0,
        synthetic_share=kind.share,
        generator_saw=saw if kind.share else SAW_NOTHING,
        accuracies=tuple(scores),
        class_accuracies=tuple(float(value) for value in by_part),
        baseline=kind.baseline,
        group_accuracies=scoring.by_group(results),
        membership=tuple(attacks),
    )
