"""Choose sampling settings and mix by a classifier's accuracy on held-out real training images."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.cache import ImageData, load_images
from synthgen.data.splits import Labelled, hold_out
from synthgen.dataset.commit import disk_errors
from synthgen.evaluation.tuning import Trial, Tuning, describe, grid
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.progress import Progress, say
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import load_filters
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.tune import DEFAULT, NONE, TuneSettings
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.finished.origin import trained
from synthgen.stages.judging.training_rows import training_rows
from synthgen.stages.sample.stage import sample
from synthgen.stages.utility.results import TrialStore
from synthgen.stages.utility.trials import synthetic_images
from synthgen.storage.place import path_here
from synthgen.storage.whole import write_whole
from synthgen.training.fixed_budget import Budget, Source, confusion, train_fixed_budget


@dataclass(frozen=True)
class TuneReport:
    """Where the choice lies, and all trials."""

    config: Path
    tuning: Tuning

    def text(self) -> str:
        lines = [self.tuning.table(), "", *self.tuning.sentences(), ""]
        config = shlex.quote(str(self.config))
        return "\n".join([*lines, f"sample with it: synthgen sample {config}"])


def tune(settings: TuneSettings) -> TuneReport:
    """Try the grid; leave ``tune.json``, ``sample.yaml`` and its filters in ``settings.out``.

    The reference is a share of 0, the real images alone: where no mix beats it beyond the
    deviation, the text and the record say so, and the best sampling config is written all the same.

    Trials are datasets in ``out/trials`` that are finished where they are not, and classifiers
    whose results are kept in the cache folder: a run that was stopped goes on.

    Raises:
        SynthgenError: the generator or the real images are not to be had, or the folder cannot be
            written.
    """
    generator = load_generator(settings.generator, "cpu", "fp32")
    if generator.task.stratum is None or generator.given:
        raise SynthgenError(
            f"generator '{generator.name}' makes no images from a class alone: there is nothing "
            "to tune by a classifier"
        )
    image = generator.image
    real = load_images(DataSettings.parse({
        **settings.reading(), "data": settings.real, "split": settings.real_split,
        "classes": generator.classes, **image.as_settings(), "min_per_class": 2,
        "limit_per_class": settings.limit_per_class, "limit_seed": settings.limit_seed,
    }))  # fmt: skip
    if settings.flip is None:
        settings = settings.model_copy(update={"flip": bool(trained(generator).flip)})
    rules = _default_rules(generator)
    own = training_rows(trained(generator), real)
    learnt, held = own or hold_out(real.labels, settings.holdout, 0)
    validation = Labelled(real.images[held], real.labels[held])
    trials = _Trials(settings, real, learnt, held, validation)
    ways = grid(
        settings.latent_std,
        [None if text == NONE else float(text) for text in settings.truncation],
        [None if text == DEFAULT else float(text) for text in settings.agreement],
    )
    found = []
    count = 1 + len(ways) * len(settings.shares) * len(settings.finish)
    total = count * settings.seeds * settings.steps * settings.batch_size
    out = path_here(settings.out, "a search")
    with Progress(total, "training classifiers") as progress:
        alone = trials.accuracies(None, 0.0, 0.0, progress.add)
        say(f"real images alone: {np.mean(alone):.1%} of {len(held):,} validation images")
        for way in ways:
            made = _sampled(settings, out, rules, *way)
            for share, finish in product(settings.shares, settings.finish):
                accuracies = trials.accuracies(made, share, finish, progress.add)
                trial = Trial(*way, share, finish, accuracies)
                say(f"{describe(trial)}: {trial.accuracy:.1%}")
                found.append(trial)
    tuning = Tuning(
        generator.name, real.name, real.fingerprint, len(learnt), len(held), own is not None,
        alone, tuple(found),
    )  # fmt: skip
    with disk_errors(out):
        write_whole(out / "tune.json", json.dumps(tuning.to_json(), indent=2) + "\n")
        write_whole(out / "sample.yaml", _config(settings, tuning, out, rules))
    return TuneReport(out / "sample.yaml", tuning)


def _sampled(
    settings: TuneSettings,
    out: Path,
    rules: tuple[str, ...],
    std: float,
    truncation: float | None,
    agreement: float | None,
) -> tuple[Labelled, str]:
    """A trial's images, and a name of their bytes; a finished dataset is only read."""
    way = f"{std:g}-{'off' if truncation is None else f'{truncation:g}'}-"
    folder = out / "trials" / (way + (DEFAULT if agreement is None else f"{agreement:g}"))
    values: dict[str, Any] = {
        "generator": settings.generator, "per_class": settings.per_class, "seed": settings.seed,
        "latent_std": std, "truncation": truncation, "device": settings.device,
        "precision": settings.precision, "out": str(folder),
        "filters": _filters(folder.with_name(f"{folder.name}.yaml"), rules, agreement),
    }  # fmt: skip
    sample(SampleSettings.parse(values))
    dataset = open_dataset(folder)
    return synthetic_images(dataset, dataset.plan.rows), dataset.shards


def _default_rules(generator: Generator) -> tuple[str, ...]:
    """Those of ``default`` that the bundle has a calibration for."""
    calibration = generator.calibration and Calibration.from_json(generator.calibration)
    task = generator.task
    filters = load_filters(
        "default", calibration or None, generator.classes, agrees=task.agrees,
        unseen=bool(task.independent),
    )  # fmt: skip
    return tuple(name for name in filters.reasons if name != "validity")


def _filters(path: Path, rules: tuple[str, ...], agreement: float | None) -> str:
    """``default``, or a YAML file at ``path``: the default filters with this least agreement."""
    if agreement is None:
        return "default"
    own = {"label_agreement": f" {{min: {agreement:g}}}"}
    text = "".join(f"{name}:{own.get(name, '')}\n" for name in rules)
    with disk_errors(path.parent):
        write_whole(path, text)
    return str(path)


class _Trials:
    """Trains classifiers on the learnt rows and synthetic images, or finds their results."""

    def __init__(
        self, settings: TuneSettings, real: ImageData, learnt: np.ndarray, held: np.ndarray,
        validation: Labelled,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._real = real
        self._learnt = learnt
        self._validation = validation
        self._budget = Budget(
            steps=settings.steps, batch_size=settings.batch_size, width=settings.width,
            flip=bool(settings.flip),
        )  # fmt: skip
        self._device = resolve_device(settings.device)
        self._precision = resolve_precision(settings.precision, self._device)
        self._store = TrialStore(settings.cache_dir)
        rows = hashlib.sha256(learnt.tobytes() + held.tobytes()).hexdigest()
        self._key = {
            "budget": asdict(self._budget), "device": self._device.type,
            "precision": str(self._precision), "validation": [real.fingerprint, rows],
        }  # fmt: skip

    def accuracies(
        self,
        made: tuple[Labelled, str] | None,
        share: float,
        finish: float,
        progress: Callable[[int], Any],
    ) -> tuple[float, ...]:
        """Validation accuracy of each seed; without ``made`` of the real images alone."""
        return tuple(
            self._accuracy(made, share, finish, seed, progress)
            for seed in range(self._settings.seeds)
        )

    def _accuracy(
        self,
        made: tuple[Labelled, str] | None,
        share: float,
        finish: float,
        seed: int,
        progress: Callable[[int], Any],
    ) -> float:
        real, budget = self._real, self._budget
        key = {**self._key, "seed": seed, "synthetic": [made[1], share, finish] if made else None}

        def train() -> np.ndarray:
            sources = [Source(real.images, real.labels, self._learnt, 1 - share)]
            if made is not None:
                images = made[0]
                rows = np.arange(len(images.labels))
                sources.append(Source(images.images, images.labels, rows, share))
            network = train_fixed_budget(
                sources, len(real.classes), budget, seed=seed, device=self._device,
                precision=self._precision, first_alone=finish, progress=progress,
            )  # fmt: skip
            held = self._validation
            return confusion(network, held.images, held.labels, self._device)

        counts, known = self._store.get(key, train)
        if known:
            progress(budget.steps * budget.batch_size)
        return float(counts.trace() / counts.sum())


def _config(settings: TuneSettings, tuning: Tuning, out: Path, rules: tuple[str, ...]) -> str:
    """The best trial as a file that ``synthgen sample`` takes."""
    import yaml

    best = tuning.best
    values: dict[str, Any] = {
        "generator": settings.generator,
        "per_class": settings.per_class,
        "latent_std": best.latent_std,
    }
    if best.truncation is not None:
        values["truncation"] = best.truncation
    values["filters"] = _filters(out / "filters.yaml", rules, best.agreement)
    comments = [
        *tuning.sentences(),
        f"{'To train with' if tuning.helps else 'To train with them all the same'}: "
        f"{best.share:g} of each batch synthetic, the rest real (synthgen utility "
        f"--synthetic-share {best.share:g} --finish-on-real {best.finish:g}).",
    ]
    head = "".join(f"# {line}\n" for line in comments)
    return head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
