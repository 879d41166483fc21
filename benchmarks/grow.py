"""Few labels and a pool of images without: does a GAN help beyond labelling the pool?

    python -m benchmarks grow --data FASHION_MNIST --per-class 10 --seeds 5 --out runs/grow

Experiment 4 of ``docs/utility.md``. A seed chooses the few labelled training images; all the others
are the pool. Rows, each a classifier of the same network and the same steps, tested on the test
split, by which nothing is chosen:

- labels only;
- labels + samples of a GAN that was trained on these few images alone (the control);
- FixMatch: labels and the pool, in the same steps (``synthgen utility --baseline fixmatch``);
- self-training: labels + the pool with the labels of classifiers, labelled as often as by
  ``synthgen grow``, by as many classifiers of as many steps, from the same first ones on;
- grow: labels + samples of ``synthgen grow``'s last round;
- grow + FixMatch: the same, + the pool by FixMatch;
- grow + self-training: as grow, + the pool with the labels that it has at the end.

A quarter of each batch is labelled images wherever there are others. Gains are differences of rows
of a seed, with their 95 % interval (Student's t). Every finished row and every step of a GAN is
kept: the same command goes on. ``--tiny`` rehearses all of it on scikit-learn's digits.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.low_data import write_subset
from benchmarks.measuring import ask_for_data, data_of, table, write_json
from synthgen.data.splits import Labelled
from synthgen.evaluation.paired import differences, half_width
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.progress import say
from synthgen.spec.settings.grow import GrowSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.grow.folder import RoundFolder, round_folder
from synthgen.stages.grow.inputs import Inputs, read_inputs
from synthgen.stages.grow.labelling import label_pool, read_labels
from synthgen.stages.grow.stage import grow
from synthgen.stages.grow.steps import Growth
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train
from synthgen.stages.utility.trials import synthetic_images
from synthgen.storage.whole import write_json_whole
from synthgen.training.baselines.fixmatch import FixMatchLoss
from synthgen.training.baselines.pool import Pool
from synthgen.training.fixed_budget import (
    AnyBudget,
    Budget,
    Source,
    confusion,
    train_fixed_budget,
)
from synthgen.training.strong_budget import StrongBudget

NEEDS = "labelled images with a test split"
LABELS = 0.25
"""Share of each batch that is labelled images, where there are others."""
ALONE, SEMI_SUPERVISED, SELF_TRAINING = "labels only", "FixMatch", "self-training"
BESIDE = (ALONE, SEMI_SUPERVISED, SELF_TRAINING)
"""Rows that others are compared with."""


@dataclass(frozen=True)
class Seed:
    """All rows of one choice of labelled images."""

    number: int
    arguments: argparse.Namespace
    out: Path

    @cached_property
    def settings(self) -> GrowSettings:
        """What ``synthgen grow`` is told."""
        asked = self.arguments
        return GrowSettings.parse({
            "labelled": asked.data, "limit_per_class": asked.per_class, "limit_seed": self.number,
            "unlabelled": asked.data, "test": asked.data, "out": str(self.out / "grow"),
            "rounds": asked.rounds, "members": asked.members, "steps": asked.member_steps,
            "per_class": asked.samples, "images": asked.images, "flip": asked.flip,
            "options": asked.options, "filters": asked.filters, "seed": self.number,
        })  # fmt: skip

    @cached_property
    def inputs(self) -> Inputs:
        return read_inputs(self.settings)

    @cached_property
    def grown(self) -> Labelled:
        """Samples of the last round."""
        return _images(grow(self.settings).dataset)

    @cached_property
    def control(self) -> Labelled:
        """Samples of a GAN of the labelled images alone, shown as many images as one of grow's."""
        settings, few = self.settings, self.out / "few"
        write_subset(settings.labelled, self.arguments.per_class, self.number, few)
        bundle = train(TrainSettings.parse({
            "data": str(few), "out": str(self.out / "control"), "min_per_class": 1,
            **self.inputs.image.as_settings(), "images": settings.images, "flip": settings.flip,
            "options": settings.options, "seed": settings.seed,
        }))  # fmt: skip
        made = sample(SampleSettings.parse({
            "generator": str(bundle), "classes": self.inputs.classes, "filters": settings.filters,
            "per_class": settings.per_class, "out": str(self.out / "control-samples"),
        }))  # fmt: skip
        return _images(made.root)

    def self_trained(self) -> Source:
        """The pool as self-training has labelled it, as often as grow labels it."""
        where, others = RoundFolder(self.out), []
        growth = Growth(self.settings, self.inputs, self.out / "grow")
        for number in range(1, self.settings.rounds + 2):
            where = RoundFolder(self.out / f"self-training-{number}")
            say(label_pool(
                number, self.inputs, LABELS if others else 1.0, others, growth.teaching(number),
                where, confidence=self.settings.confidence, ratio=self.settings.class_ratio,
            ).line(self.settings.rounds))  # fmt: skip
            others = [self._pool(where, 1 - LABELS)]
        return others[0]

    def labelled_by_grown(self) -> Source:
        """The pool with the labels that it has after grow's last round."""
        rounds = self.settings.rounds
        where = round_folder(Path(self.settings.out), rounds + 1, rounds)
        return self._pool(where, (1 - LABELS) / 3)

    def _pool(self, where: RoundFolder, share: float) -> Source:
        labels, _, kept = read_labels(where)
        return Source(self.inputs.pool.images, labels, np.flatnonzero(kept), share)

    def rows(self) -> dict[str, Callable[[], list[Source]]]:
        """Name to what is learnt from beside the labels."""
        rest = 1 - LABELS
        return {
            ALONE: lambda: [],
            "labels + samples of a GAN of them alone": lambda: [_whole(self.control, rest)],
            SEMI_SUPERVISED: lambda: [],
            SELF_TRAINING: lambda: [self.self_trained()],
            "grow": lambda: [_whole(self.grown, rest)],
            f"grow + {SEMI_SUPERVISED}": lambda: [_whole(self.grown, rest)],
            f"grow + {SELF_TRAINING}": lambda: [
                _whole(self.grown, rest * 2 / 3), self.labelled_by_grown()
            ],
        }  # fmt: skip

    def accuracy(self, name: str, others: Sequence[Source]) -> float:
        """Of a row's classifier, which learns from labels and ``others``, on the test images."""
        inputs, classes = self.inputs, len(self.inputs.classes)
        assert inputs.test is not None
        device = resolve_device("auto")
        own = Source(
            inputs.given.images, inputs.given.labels, np.arange(len(inputs.given.labels)),
            LABELS if others else 1.0,
        )  # fmt: skip
        how: dict[str, Any] = {
            "seed": self.number, "device": device, "precision": resolve_precision("auto", device),
        }  # fmt: skip
        budget = self.budget
        if SEMI_SUPERVISED in name:
            pool = Pool(inputs.pool.images, self.number, budget.flip)
            how, budget = {**how, "loss": FixMatchLoss(pool)}, replace(budget, smoothing=0.0)
        network = train_fixed_budget([own, *others], classes, budget, **how)
        counts = confusion(network, inputs.test.images, inputs.test.labels, device)
        return float(counts.trace() / counts.sum())

    @property
    def budget(self) -> AnyBudget:
        """Network and steps of every row's classifier: the protocol of ``synthgen utility``."""
        asked = self.arguments
        if asked.quick:
            return Budget(steps=asked.steps, flip=asked.flip)
        strong = StrongBudget.of(self.inputs.image)
        return replace(strong, steps=asked.steps, flip=asked.flip)

    def measured(self) -> dict[str, float]:
        """Each row's accuracy; rows that are on record for the same settings are not made again."""
        path = self.out / "rows.json"
        key = {k: v for k, v in vars(self.arguments).items() if k not in ("seeds", "out", "tiny")}
        found: dict[str, float] = {}
        if path.exists():
            known = json.loads(path.read_text())
            found = known["accuracies"] if known["settings"] == key else {}
        for name, others in self.rows().items():
            if name not in found:
                found[name] = self.accuracy(name, others())
                write_json_whole(path, {"settings": key, "accuracies": found})
            say(f"seed {self.number}, {name}: {found[name]:.2%}")
        return found


def _images(folder: Any) -> Labelled:
    dataset = open_dataset(folder)
    return synthetic_images(dataset, dataset.plan.rows)


def _whole(made: Labelled, share: float) -> Source:
    return Source(made.images, made.labels, np.arange(len(made.labels)), share)


def interval(values: Sequence[float]) -> str:
    """Mean and half its 95 % interval, in points; the mean alone for one value."""
    mean, deviation = differences(values, [0.0] * len(values))
    half = half_width(deviation, len(values))
    return f"{100 * mean:+.2f}" + (f" ± {100 * half:.2f}" if isfinite(half) else "")


def summary(found: Sequence[dict[str, float]]) -> str:
    """The table of all seeds."""
    lines = []
    for name in found[0]:
        own = [each[name] for each in found]
        gains = (
            "" if name == other else interval([a[name] - a[other] for a in found])
            for other in BESIDE
        )
        lines.append([name, f"{fmean(own):.2%}", *gains])
    return table(
        [
            "learnt from",
            "accuracy",
            "beside labels only",
            "beside FixMatch",
            "beside self-training",
        ],
        lines,
    )


def write_digits(folder: Path) -> None:
    """scikit-learn's digits as class folders: splits ``train`` and ``test``."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    for number, (pixels, label) in enumerate(zip(loaded.images, loaded.target, strict=True)):
        own = folder / ("test" if number % 4 == 0 else "train") / f"digit {label}"
        own.mkdir(parents=True, exist_ok=True)
        path = own / f"{number:04d}.png"
        if not path.exists():
            Image.fromarray(np.clip(pixels * 16, 0, 255).astype(np.uint8)).save(path)


def options() -> argparse.ArgumentParser:
    """The options of the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--per-class", type=int, default=10, help="Labelled images of each class.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--members", type=int, default=3, help="Classifiers that label the pool.")
    parser.add_argument("--member-steps", type=int, default=1000, help="Of each of them.")
    parser.add_argument("--steps", type=int, default=1000, help="Of the classifier of each row.")
    parser.add_argument("--quick", action="store_true", help="Rows by the quick protocol.")
    parser.add_argument("--images", type=int, default=60_000, help="Shown to each GAN.")
    parser.add_argument("--samples", type=int, default=1000, help="Of each class.")
    parser.add_argument("--filters", default="default", help="Of all samples.")
    parser.add_argument("--flip", action="store_true")
    parser.add_argument("--tiny", action="store_true", help="Rehearse on digits, in a minute.")
    parser.add_argument("--out", default="runs/grow")
    return parser


def main() -> None:
    """Run all seeds, print the table."""
    arguments = options().parse_args()
    out = Path(arguments.out)
    arguments.options = {}
    if arguments.tiny:
        write_digits(out / "digits")
        small = {
            "data": str(out / "digits"), "per_class": 6, "seeds": 1, "rounds": 1, "members": 2,
            "quick": True, "member_steps": 60, "steps": 80, "images": 640, "samples": 20,
            "filters": "none", "options": {"width": 8, "widest": 8, "latent": 8, "style": 8},
        }  # fmt: skip
        vars(arguments).update(small)
    else:
        arguments.data = data_of(arguments, NEEDS)
    seeds = [Seed(n, arguments, out / f"seed-{n}") for n in range(arguments.seeds)]
    found = [seed.measured() for seed in seeds]
    text = summary(found)
    (out / "table.md").write_text(text + "\n")
    write_json(str(out / "results.json"), {"settings": vars(arguments), "accuracies": found})
    print(text)


if __name__ == "__main__":
    main()
