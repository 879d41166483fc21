"""What is a generator worth, shared in place of the images that it learnt from?

    python -m benchmarks share --data FASHION_MNIST --seeds 5 --out runs/share

A learner is trained on all real images, on a same-size part of them, and on a generator's samples
alone: by their labels, by the teachers' soft labels, with samples that are never shown twice, with
wider latents, and with latents refined towards the real images; the control has the teachers'
answers on noise. Wider latents are chosen on the images that the generator's training held out.
Each row has the accuracy on real test images, and how well an attack on the learner's answers tells
the generator's training images from those held out: by the loss, and against learners that saw
neither.
Whatever is done is not done again; ``table.md`` and ``results.json`` (with every seed) are in the
output folder. ``--tiny`` rehearses all steps in a minute or two.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measuring import ask_for_data, data_of, table
from benchmarks.share_images import (
    Made,
    Real,
    dataset_of,
    fresh_of,
    logits_of,
    noise_of,
    real_of,
)
from synthgen.data.splits import evenly, few_per_class
from synthgen.evaluation.membership import Membership, attack, calibrated, margins
from synthgen.evaluation.paired import differences, half_width
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.machine.devices import resolve_precision
from synthgen.stages.finished.origin import trained
from synthgen.training.fixed_budget import AnyBudget, Budget, Source, train_fixed_budget
from synthgen.training.strong_budget import StrongBudget

NEEDS = "labelled images with a test split"
STDS = (1.0, 1.2, 1.4)
"""Standard deviations of the latents that are tried on held-out images; all but the first are
wider."""
CHOOSING, REFERENCES = 1_000, 2_000
"""Seeds of classifiers from here on choose latents, and are what attacks compare with."""
ALL, PART, HARD, SOFT = "real, all", "real, part", "samples, their labels", "samples, soft labels"
FRESH, WIDE, FINE = "fresh samples, soft labels", "wider latents, soft", "refined latents, soft"
NOISE = "noise, soft labels (control)"
ROWS = (ALL, PART, HARD, SOFT, FRESH, WIDE, FINE, NOISE)


@dataclass(frozen=True)
class Trial:
    """One learner of one row and seed."""

    accuracy: float
    """On real test images, 0 to 1."""
    by_loss: Membership
    by_reference: Membership
    cpu_seconds: float


class Sharing:
    """The experiment: its images, made when they are first asked for, and its learners."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.out = Path(arguments.out)
        self.given, self.device = arguments, torch.device("cpu")
        self.generator: Generator = load_generator(arguments.generator, "cpu")
        quick, image = arguments.quick, self.generator.image
        budget: AnyBudget = Budget() if quick else StrongBudget.of(image)
        # Mirrored as the generator's training images were, as utility does.
        flip = trained(self.generator).flip
        self.budget = replace(budget, steps=arguments.steps, flip=flip)
        self.real: Real = real_of(arguments.data, self.generator)
        self.classes = len(self.generator.classes)
        self.shown = self.budget.steps * self.budget.batch_size
        self._made: dict[str, Made] = {}
        self._references: list[torch.nn.Module] = []

    def made(self, name: str, make: Callable[[], Made]) -> Made:
        """Synthetic images by name, kept in memory."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def dataset(self, name: str, **changes: Any) -> Made:
        """A dataset of ``synthgen sample``, with its default filters."""
        return self.made(name, lambda: dataset_of(
            self.given.generator, self.out / "datasets" / name, self.given.per_class, "cpu",
            **changes,
        ))  # fmt: skip

    def source(self, row: str, seed: int) -> Source:
        """What a row's learner is shown."""
        train, count = self.real.train, self.given.per_class * self.classes
        if row in (ALL, PART):
            rows = self.real.learnt if row == ALL else self.part(seed)
            return Source(train.images, train.labels, rows, 1.0)
        shown = self.shown
        found = {
            HARD: lambda: self.dataset("plain"),
            SOFT: lambda: self.dataset("plain"),
            FRESH: lambda: fresh_of(self.generator, shown, seed),
            WIDE: lambda: self.dataset(f"std-{self.wide():g}", latent_std=self.wide()),
            FINE: lambda: self.dataset(
                "refined", refine_latents=self.given.refine, real=self.given.data
            ),
            NOISE: lambda: self.made("noise", lambda: noise_of(self.generator, count, 0)),
        }[row]()
        soft = None if row == HARD else found.soft
        return Source(found.images, found.labels, np.arange(len(found.labels)), 1.0, soft)

    def part(self, seed: int) -> np.ndarray:
        """Rows of as many real images that the generator learnt from as a dataset has."""
        own = self.real.train.labels[self.real.learnt]
        return self.real.learnt[few_per_class(own, self.given.per_class, seed)]

    def learner(self, source: Source, seed: int) -> torch.nn.Module:
        """A classifier of the budget."""
        return train_fixed_budget(
            [source], self.classes, self.budget, seed=seed, device=self.device,
            precision=resolve_precision("auto", self.device),
        )  # fmt: skip

    def wide(self) -> float:
        """The wider standard deviation that teaches best, told on held-out images."""
        path, tried = self.out / "wide.json", {}
        key = self.key("wide", 0)
        if path.is_file():
            record = json.loads(path.read_text())
            if record["key"] == key:
                tried = {float(std): value for std, value in record["held-out"].items()}
        if not tried:
            held, train = self.real.held, self.real.train
            for std in STDS:
                found = fresh_of(self.generator, min(self.shown, 20_000), CHOOSING, std)
                source = Source(
                    found.images, found.labels, np.arange(len(found.labels)), 1.0, found.soft
                )
                logits = logits_of(self.learner(source, CHOOSING), train.images, held)
                tried[std] = float((logits.argmax(axis=1) == train.labels[held]).mean())
            record = {"key": key, "held-out": tried}
            path.write_text(json.dumps(record, indent=2) + "\n")
        return max((std for std in tried if std > 1), key=lambda std: tried[std])

    def references(self) -> list[torch.nn.Module]:
        """Learners of the test images alone, which saw none of those that are attacked."""
        test = self.real.test
        while len(self._references) < self.given.references:
            source = Source(test.images, test.labels, np.arange(len(test.labels)), 1.0)
            self._references.append(self.learner(source, REFERENCES + len(self._references)))
        return self._references

    def sure(self, network: torch.nn.Module, rows: np.ndarray) -> np.ndarray:
        """How sure a learner is of real training images."""
        train = self.real.train
        return margins(logits_of(network, train.images, rows), train.labels[rows])

    def key(self, row: str, seed: int) -> dict[str, Any]:
        """All that decides a trial."""
        given = self.given
        return {
            "row": row, "seed": seed, "budget": asdict(self.budget), "per_class": given.per_class,
            "refine": given.refine if row == FINE else None, "references": given.references,
            "generator": self.generator.weights_sha256, "data": self.real.train.fingerprint,
            "attacked": given.attacked,
        }  # fmt: skip

    def trial(self, row: str, seed: int) -> Trial:
        """A row's learner of one seed, trained and attacked, or found to have been."""
        key = self.key(row, seed)
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        path = self.out / "trials" / f"{digest}.json"
        if path.is_file():
            return _trial_from(json.loads(path.read_text())["trial"])
        source, begun = self.source(row, seed), time.process_time()
        network = self.learner(source, seed)
        spent = time.process_time() - begun
        test = self.real.test
        logits = logits_of(network, test.images, np.arange(len(test.labels)))
        members = self.part(seed)
        members = members[evenly(len(members), self.given.attacked)]
        others = self.real.held[evenly(len(self.real.held), self.given.attacked)]
        both = np.concatenate([members, others])
        sure = self.sure(network, both)
        known = calibrated(sure, [self.sure(one, both) for one in self.references()])
        found = Trial(
            float((logits.argmax(axis=1) == test.labels).mean()),
            attack(sure[: len(members)], sure[len(members) :]),
            attack(known[: len(members)], known[len(members) :]), spent,
        )  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"key": key, "trial": asdict(found)}, indent=2) + "\n")
        return found


def _trial_from(record: dict[str, Any]) -> Trial:
    attacks = {name: Membership(**record[name]) for name in ("by_loss", "by_reference")}
    return Trial(record["accuracy"], **attacks, cpu_seconds=record["cpu_seconds"])


def report(found: dict[str, list[Trial]]) -> str:
    """The table: accuracies, paired differences with 95 % intervals, and both attacks."""
    lines = []
    accuracies = {row: [100 * trial.accuracy for trial in trials] for row, trials in found.items()}
    for row, trials in found.items():
        own = accuracies[row]
        cells = [row, f"{np.mean(own):.1f} ± {np.std(own, ddof=len(own) > 1):.1f} %"]
        for other in (ALL, HARD):
            against = accuracies.get(other)
            cells.append("" if row == other or against is None else apart(own, against))
        for kind in ("by_loss", "by_reference"):
            each = [getattr(trial, kind) for trial in trials]
            means = {
                name: float(np.mean([getattr(one, name) for one in each]))
                for name in ("area", "balanced_accuracy", "found")
            }
            cells.append(replace(each[0], **means).told())
        lines.append([*cells, f"{np.mean([trial.cpu_seconds for trial in trials]):.0f}"])
    heads = [
        "trained on", "accuracy", "against all real", "against their labels",
        "attack by loss: area / balanced accuracy / found at 1 %", "calibrated", "CPU s",
    ]  # fmt: skip
    return table(heads, lines)


def apart(a: list[float], b: list[float]) -> str:
    """Mean of the differences in points, seed by seed, with half the 95 % interval."""
    mean, deviation = differences(a, b)
    half = half_width(deviation, len(a))
    return f"{mean:+.1f}" + (f" ± {half:.1f}" if len(a) > 1 else "")


def main() -> None:
    """Run all rows of each seed; the table is written again after every seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--generator", default="fashion-mnist-28", help="Trained on that data.")
    parser.add_argument("--seeds", type=int, default=5, help="Learners for each row.")
    parser.add_argument("--per-class", type=int, default=4000, help="Samples of each class.")
    parser.add_argument("--steps", type=int, default=1000, help="Of every learner.")
    parser.add_argument("--quick", action="store_true", help="The quick protocol of utility.")
    parser.add_argument("--refine", type=int, default=10, help="Steps of refined latents.")
    parser.add_argument("--references", type=int, default=2, help="Learners that saw neither.")
    parser.add_argument("--attacked", type=int, default=3000, help="Images of either kind.")
    parser.add_argument("--rows", default="", help=f"Some of: {'; '.join(ROWS)}.")
    parser.add_argument("--tiny", action="store_true", help="Rehearse: small and quick.")
    parser.add_argument("--out", default="runs/share")
    arguments = parser.parse_args()
    data_of(arguments, NEEDS)
    if arguments.tiny:
        arguments.quick, arguments.steps, arguments.per_class = True, 20, 20
        arguments.refine, arguments.references, arguments.attacked = 2, 1, 200
    sharing = Sharing(arguments)
    rows = [row.strip() for row in arguments.rows.split(";") if row.strip()] or list(ROWS)
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Trial]] = {row: [] for row in rows}
    for seed in range(arguments.seeds):
        for row in rows:
            found[row].append(sharing.trial(row, seed))
            print(f"seed {seed}, {row}: {100 * found[row][-1].accuracy:.1f} %", flush=True)
        text = report(found)
        (out / "table.md").write_text(text + "\n")
        record = {row: [asdict(trial) for trial in trials] for row, trials in found.items()}
        (out / "results.json").write_text(json.dumps(record, indent=2) + "\n")
    print(text)


if __name__ == "__main__":
    main()
