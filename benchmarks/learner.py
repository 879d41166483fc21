"""How good are the classifiers of the utility table, trained on real images alone?

    python -m benchmarks learner --data FASHION_MNIST_FOLDER
    python -m benchmarks learner --data CIFAR10_FOLDER --held-out --set peak_lr=0.5,width=48

Trains the classifier of a protocol of ``synthgen utility`` on all real training images and tests it
on the test split, or with ``--held-out`` on a tenth of the training images, which it does not learn
from: that is what settings are chosen by. Processor seconds are told beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import fields, replace
from typing import Any

import numpy as np

from benchmarks.measuring import ask_for_data, data_of, machine, table, write_json
from synthgen.data.cache import load_images
from synthgen.data.splits import few_per_class, hold_out
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.progress import Progress
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.training.fixed_budget import (
    AnyBudget,
    Budget,
    Source,
    confusion,
    train_fixed_budget,
)
from synthgen.training.strong_budget import StrongBudget

NEEDS = "labelled images with a test split"


def budget_of(quick: bool, changes: str, image: ImageSpec) -> AnyBudget:
    """A protocol with settings changed: ``steps=500,flip=false``.

    Raises:
        SynthgenError: there is no such setting, or its value is of another kind.
    """
    budget: AnyBudget = Budget() if quick else StrongBudget.of(image)
    kinds = {field.name: type(getattr(budget, field.name)) for field in fields(budget)}
    values: dict[str, Any] = {}
    for part in filter(None, changes.split(",")):
        name, _, text = part.partition("=")
        try:
            values[name] = kinds[name](json.loads(text))
        except (KeyError, ValueError):
            raise SynthgenError(
                f"--set {part}: the settings are {', '.join(kinds)}, each with a number, true or "
                "false"
            ) from None
    return replace(budget, **values)


def measure(arguments: argparse.Namespace, seed: int) -> list[str]:
    """One training: a row of the table."""
    asked = {"data": arguments.data, "cache_dir": arguments.cache_dir or None}
    real = load_images(DataSettings.parse(asked))
    budget = budget_of(arguments.quick, arguments.set, real.image)
    rows, test = np.arange(len(real.labels)), real
    held = rows
    if arguments.held_out:
        rows, held = hold_out(real.labels, 0.1, 0)
    else:
        test = load_images(DataSettings.parse({**asked, "split": "test", "classes": real.classes}))
        held = np.arange(len(test.labels))
    if arguments.per_class:
        rows = rows[few_per_class(real.labels[rows], arguments.per_class, seed)]
    device = resolve_device(arguments.device)
    began, total = time.process_time(), budget.steps * budget.batch_size
    with Progress(total, "training the classifier") as progress:
        network = train_fixed_budget(
            [Source(real.images, real.labels, rows, 1.0)], len(real.classes), budget, seed=seed,
            device=device, precision=resolve_precision("auto", device), progress=progress.add,
        )  # fmt: skip
    trained = time.process_time() - began
    counts = confusion(network, test.images[held], test.labels[held], device)
    by_class = counts.diagonal() / np.maximum(1, counts.sum(axis=1))
    worst = int(by_class.argmin())
    return [
        real.name, "quick" if arguments.quick else "strong", f"{len(rows):,}", f"{budget.steps:,}",
        f"{counts.trace() / counts.sum():.2%} of {len(held):,}",
        f"{by_class[worst]:.1%} ({real.classes[worst]})", f"{trained:,.0f}", str(seed),
    ]  # fmt: skip


def main() -> None:
    """Train, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--quick", action="store_true", help="The quick protocol.")
    parser.add_argument("--set", default="", help="Settings of the protocol: steps=500,width=48.")
    parser.add_argument("--held-out", action="store_true", help="Test on held-out training images.")
    parser.add_argument("--per-class", type=int, default=0, help="Images of each class; 0: all.")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cache-dir", default="")
    parser.add_argument("--out", default="", help="A JSON file for the figures.")
    arguments = parser.parse_args()
    data_of(arguments, NEEDS)
    rows = [measure(arguments, seed) for seed in range(arguments.seeds)]
    where = "held-out training images" if arguments.held_out else "the test split"
    head = [
        "data", "protocol", "training images", "steps", f"right on {where}", "worst class",
        "processor seconds", "seed",
    ]  # fmt: skip
    print(f"{machine()}; changed settings: {arguments.set or 'none'}\n\n{table(head, rows)}")
    write_json(arguments.out, {"set": arguments.set, "head": head, "rows": rows})


if __name__ == "__main__":
    main()
