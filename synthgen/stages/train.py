"""Train a generator: real images in, a bundle of the best generator out.

A run folder holds ``settings.json``, ``metrics.jsonl``, ``training.png``, ``samples/``,
``classifier/``, ``checkpoints/``, ``best/`` (the best bundle so far) and at the end ``bundle/``.
Started again with the same settings it goes on from its newest checkpoint; finished, it is left
alone.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from synthgen.algorithms.registry import find
from synthgen.data.splits import evenly
from synthgen.generators.bundle import save_bundle
from synthgen.quality.calibration import Calibration, calibrate
from synthgen.quality.scores import Scorer
from synthgen.spec.errors import SynthgenError
from synthgen.spec.train_settings import TrainSettings
from synthgen.stages.hardware import hardware
from synthgen.stages.progress import say
from synthgen.stages.progress_score import ProgressScore
from synthgen.stages.train_folder import begin, begun
from synthgen.stages.train_setup import Prepared, prepare
from synthgen.training import checkpoint
from synthgen.training.classifier import TrainedClassifier, train_label_classifier
from synthgen.training.distributed import Ranks, ranks
from synthgen.training.grid import save_grid
from synthgen.training.metrics_log import MetricsLog, draw_curves

CALIBRATION_IMAGES = 20_000
"""Real images whose statistics are the filters' measure, at most."""


def train(settings: TrainSettings) -> Path:
    """Run or resume the training that ``settings`` describe; the folder of the finished bundle.

    Under ``torchrun`` every process calls this; the first one writes.

    Raises:
        SynthgenError: the user can mend it: data, settings, device, or a folder of another run.
    """
    if settings.out is None:
        raise SynthgenError("out: name the run folder")
    out = Path(settings.out)
    bundle = out / "bundle"
    with ranks() as group:
        resumed = begun(out, settings)
        if (bundle / "config.json").exists():
            return bundle
        prepared = prepare(settings, group)
        if group.leads and not resumed:
            begin(out, settings)
        group.wait()
        run = _Run(settings, prepared, out, group)
        run.go()
        group.wait()
    return bundle


class _Run:
    """One training run from its present state to its bundle."""

    def __init__(
        self, settings: TrainSettings, prepared: Prepared, out: Path, group: Ranks
    ) -> None:
        self.settings = settings
        self.prepared = prepared
        self.training = prepared.training
        self.out = out
        self.group = group
        self.log = MetricsLog(out / "metrics.jsonl")
        self.best: dict[str, float] = {}

    def go(self) -> None:
        training, settings = self.training, self.settings
        extra = checkpoint.load_newest(self.out / "checkpoints", training)
        self.best = (extra or {}).get("best", {})
        if self.group.leads:
            self.judge = self._judge()
            self.log.cut_back(training.shown)
        self.group.wait()
        every = settings.checkpoint_every
        self._clock = (time.perf_counter(), training.shown)
        bar = tqdm(
            total=settings.images, initial=training.shown, unit="img", desc="training",
            disable=not self.group.leads, smoothing=0.02,
        )  # fmt: skip
        with bar:
            while training.shown < settings.images:
                before = training.shown
                training.step()
                bar.update(training.shown - before)
                tick = self._crossed(before, settings.images / settings.ticks)
                if tick and self.group.leads:
                    self._tick()
                if self.group.leads and (self._crossed(before, every) if every else tick):
                    checkpoint.save(self.out / "checkpoints", training, {"best": self.best})
                if tick:
                    self.group.wait()
        if self.group.leads:
            self._finish()

    def _crossed(self, before: int, every: float) -> bool:
        last = self.training.shown >= self.settings.images
        return last or int(before / every) != int(self.training.shown / every)

    def _judge(self) -> _Judge:
        data, settings, training = self.prepared.data, self.settings, self.training
        classifier = train_label_classifier(
            data.images, data.labels, data.classes, self.prepared.chosen, self.prepared.validation,
            budget=settings.classifier_images, batch_size=settings.batch_size, flip=settings.flip,
            seed=settings.seed, device=training.device, precision=training.precision,
            folder=self.out / "classifier",
        )  # fmt: skip
        say(f"label classifier: {classifier.accuracy:.1%} right on held-out real images")
        classifier.network.to(training.device).eval()
        held_images = data.images[self.prepared.validation]
        held_labels = data.labels[self.prepared.validation]
        scorer = Scorer(classifier.network, training.precision)
        # What the classifier says of images it has learnt from is no measure; statistics are.
        shown = evenly(len(data.labels), CALIBRATION_IMAGES)
        statistics = calibrate(
            Scorer(None), data.images[shown], data.labels[shown], data.classes, 256, training.device
        )
        calibration = calibrate(
            scorer, held_images, held_labels, data.classes, 256, training.device
        ).with_quantiles_of(statistics)
        score = ProgressScore(
            classifier.network, held_images, held_labels, data.images[self.prepared.chosen[:4096]],
            settings.score_samples, training.device, training.precision,
        )  # fmt: skip
        return _Judge(classifier, calibration, score)

    def _tick(self) -> None:
        training = self.training
        now = time.perf_counter()
        rate = (training.shown - self._clock[1]) / (now - self._clock[0])
        means = training.means.take()
        score = self.judge.score.of(training)
        row: dict[str, Any] = {
            "images": training.shown,
            **{name: float(f"{value:.6g}") for name, value in means.items()},
            "score": score.frechet,
            "score_real": self.judge.score.real,
            "agreement": score.agreement,
            "diversity": score.diversity,
            "images_per_second": round(rate, 2),
        }
        self.log.append(row)
        draw_curves(self.log.rows(), self.out / "training.png", self.settings.algorithm)
        save_grid(score.grid, score.columns, self.out / "samples" / f"{training.shown:012d}.png")
        if not self.best or score.frechet < self.best["score"]:
            self.best = {
                "score": score.frechet,
                "images": training.shown,
                "agreement": score.agreement,
                "diversity": score.diversity,
            }
            self._save_best()
        eta = (self.settings.images - training.shown) / rate
        say(_tick_line(row, eta))
        self._clock = (time.perf_counter(), training.shown)

    def _save_best(self) -> None:
        training, prepared = self.training, self.prepared
        averaged = {**prepared.algorithm.networks, **training.averaged.networks}
        registration = find(self.settings.algorithm)
        classifier = self.judge.classifier
        save_bundle(
            self.out / "best",
            algorithm=registration.name,
            options=registration.options.parse(self.settings.options).model_dump(),
            task=prepared.task,
            built=replace(prepared.algorithm, networks=averaged),
            classifier=classifier.network,
            calibration=self.judge.calibration.to_json(),
            keep_judges=self.settings.keep_discriminator,
            metrics={
                "fidelity": {
                    "score": self.best["score"],
                    "real_vs_real": self.judge.score.real,
                    "name": "Fréchet distance on features of the bundle's own label classifier",
                    "samples": self.settings.score_samples,
                },
                "label_agreement": self.best["agreement"],
                "diversity": self.best["diversity"],
                "classifier_accuracy": classifier.accuracy,
                "classifier_accuracy_per_class": classifier.per_class,
            },
            training={
                "data": prepared.data.name,
                "data_fingerprint": prepared.data.fingerprint,
                "data_images": len(prepared.chosen),
                "images_shown": training.shown,
                "batch_size": self.settings.batch_size,
                "augment": prepared.augment,
                "flip": self.settings.flip,
                "seed": self.settings.seed,
                "precision": str(training.precision).removeprefix("torch."),
                "hardware": hardware(training.device),
            },
        )

    def _finish(self) -> None:
        """The best bundle becomes the bundle: copied beside, then renamed."""
        staging = self.out / ".bundle-staging"
        shutil.rmtree(staging, ignore_errors=True)
        shutil.copytree(self.out / "best", staging)
        staging.rename(self.out / "bundle")
        say(
            f"best of the run: score {self.best['score']:.4g} at {self.best['images']:,} "
            f"images shown"
        )


@dataclass(frozen=True)
class _Judge:
    classifier: TrainedClassifier
    calibration: Calibration
    score: ProgressScore


def _tick_line(row: dict[str, Any], eta: float) -> str:
    losses = "  ".join(f"{k[5:]} {v:.3f}" for k, v in row.items() if k.startswith("loss/"))
    right = "  ".join(f"{k[9:]} {v:.0%}" for k, v in row.items() if k.startswith("accuracy/"))
    minutes, seconds = divmod(int(eta), 60)
    return (
        f"{row['images']:>9,} img  {row['images_per_second']:.0f} img/s  loss: {losses}  "
        f"judged right: {right}  score {row['score']:.4g} (real {row['score_real']:.2g})  "
        f"agreement {row['agreement']:.0%}  diversity {row['diversity']:.2f}  "
        f"ETA {minutes}:{seconds:02d}"
    )
