"""Do labelled images of another look help where the target has no labels?

    python -m benchmarks adapt --pair digits-mnist --data MNIST --seeds 5 --out runs/adapt
    python -m benchmarks adapt --pair mnist-patches --data MNIST --photos PHOTOS --out runs/adapt
    python -m benchmarks adapt --tiny --out runs/rehearsal

Experiment 2 of ``docs/utility.md``: scikit-learn's digits to MNIST, or MNIST to MNIST on patches of
photographs. For each seed ``synthgen adapt`` with refinement, and classifiers with equal steps that
learn from the source alone, after canonical preprocessing, on random backgrounds, by self-training
on the same pool, from the translations, from the refined samples, and from the target's own labels.
The test set chooses nothing. Whatever is done is not done again; single seeds stay in
``results.json``.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.adapt_pairs import (
    CLASSES,
    NEEDS,
    PAIRS,
    Pair,
    make_pair,
    on_random_backgrounds,
)
from benchmarks.measuring import ask_for_data, machine, table
from synthgen.data.cache import load_images
from synthgen.data.splits import Labelled
from synthgen.machine.progress import say
from synthgen.spec.settings.adapt import AdaptSettings
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.adapt.compare import Learning
from synthgen.stages.adapt.stage import adapt
from synthgen.storage.whole import write_json_whole
from synthgen.training.fixed_budget import Budget

BASELINE = "self-training"
"""The row that gains are told against: the toughest that knows the target."""
TINY = {
    "images": 3_000, "steps": 60, "classifier_batch": 32, "width": 8, "round_images": 2_000,
    "per_class": 50, "members": 1, "flip_limit": 1.0,
    "filters": "none",
    "options": {"width": 8, "width_d": 8, "width_t": 8, "blocks": 1},
}  # fmt: skip
T95 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}
"""Student's t for an interval of 95 % by degrees of freedom."""


def run(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    """The accuracies of one seed by what was learnt from."""
    out = Path(arguments.out) / f"{arguments.pair}-seed{seed}"
    pair = make_pair(arguments, seed)
    pair.write(out)
    settings = _settings(arguments, seed, out)
    report = adapt(settings)
    further = _further(settings, pair, out)
    order = ("source only", "canonical preprocessing", "random backgrounds", BASELINE)
    found = {**report.tested, **further}
    return {name: found[name] for name in [*order, *(n for n in found if n not in order)]}


def _settings(arguments: argparse.Namespace, seed: int, out: Path) -> AdaptSettings:
    wanted: dict[str, Any] = {
        "images": arguments.images, "round_images": arguments.round_images,
        "steps": arguments.steps, "members": arguments.members, "flip_limit": arguments.flip_limit,
    }  # fmt: skip
    parts = (part.split("=") for part in arguments.options.split(",") if part)
    wanted["options"] = {name: int(value) for name, value in parts}
    return AdaptSettings.parse({
        "source": str(out / "source"), "target": str(out / "target"), "test": str(out / "test"),
        "test_split": "train", "out": str(out / "run"), "rounds": arguments.rounds, "seed": seed,
        "round_algorithm": arguments.round_algorithm, "threads": arguments.threads,
        **(TINY if arguments.tiny else wanted),
    })  # fmt: skip


def _further(settings: AdaptSettings, pair: Pair, out: Path) -> dict[str, float]:
    """Rows that ``synthgen adapt`` does not have: one that knows nothing of the target, and one
    that knows its labels."""
    budget = Budget(
        steps=settings.steps, batch_size=settings.classifier_batch, width=settings.width, flip=False
    )
    learning = Learning(len(CLASSES), budget, settings.seed, torch.device("cpu"))
    test = _read(out / "test", pair.test, out)
    prepared = _read(out / "run" / "source", None, out)

    def backgrounds() -> Labelled:
        return on_random_backgrounds(prepared, settings.seed)

    def own() -> Labelled:
        return _read(out / "target", pair.pool, out)

    rows: Mapping[str, Callable[[], Labelled]] = {
        "random backgrounds": backgrounds, "target's own labels": own,
    }  # fmt: skip
    found = {}
    for name, images in rows.items():
        path = out / "tested" / f"{name.replace(' ', '-')}.json"
        if not path.exists():
            network = learning.fit([(images(), 1.0)], name)
            write_json_whole(path, {"accuracy": learning.accuracy(network, test)})
        found[name] = float(json.loads(path.read_text())["accuracy"])
    return found


def _read(folder: Path, known: Labelled | None, out: Path) -> Labelled:
    """Images of a folder in the size and colours of the run; labels as ``known``, in their order,
    or the folder's own."""
    like = load_images(
        DataSettings.parse({"data": str(out / "run" / "target"), "min_per_class": 1})
    )
    asked = {"data": str(folder), "min_per_class": 1, **like.image.as_settings()}
    found = load_images(DataSettings.parse(asked))
    return Labelled(np.asarray(found.images), found.labels if known is None else known.labels)


def told(seeds: Sequence[Mapping[str, float]]) -> str:
    """The table: mean and deviation of each row, and the paired gain over self-training."""
    rows = []
    for name in seeds[0]:
        own = [100 * seed[name] for seed in seeds]
        gains = [100 * (seed[name] - seed[BASELINE]) for seed in seeds]
        rows.append([name, _spread(own), "" if name == BASELINE else _interval(gains)])
    head = ("learnt from", "accuracy on the target, %", "against self-training, points (95 %)")
    return table(head, rows)


def _spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.1f}"
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"


def _interval(gains: Sequence[float]) -> str:
    mean = statistics.mean(gains)
    if len(gains) < 2:
        return f"{mean:+.1f}"
    half = T95.get(len(gains) - 1, 1.96) * statistics.stdev(gains) / math.sqrt(len(gains))
    return f"{mean:+.1f} ({mean - half:+.1f} to {mean + half:+.1f})"


def main() -> None:
    """Run all seeds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--pair", choices=PAIRS, default=PAIRS[0])
    parser.add_argument("--photos", default="", help="Photographs; default: scikit-learn's two.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--pool", type=int, default=10_000, help="Images of the target.")
    parser.add_argument("--images", type=int, default=60_000, help="Budget of the translator.")
    parser.add_argument(
        "--options", default="", help="The translator's widths and blocks: width=8,blocks=2."
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--round-images", type=int, default=100_000, help="Budget of a round's GAN."
    )
    parser.add_argument("--round-algorithm", default="cgan")
    parser.add_argument("--members", type=int, default=3, help="Classifiers that label the pool.")
    parser.add_argument("--steps", type=int, default=1000, help="Of every classifier.")
    parser.add_argument("--flip-limit", type=float, default=0.25)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--tiny", action="store_true", help="Rehearse in a minute, without --data.")
    parser.add_argument("--out", default="runs/adapt")
    arguments = parser.parse_args()
    found = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        found.append(run(arguments, seed))
        record = {"pair": arguments.pair, "machine": machine(), "seeds": found}
        write_json_whole(Path(arguments.out) / f"{arguments.pair}.json", record)
        say(f"seed {seed} done")
    text = told(found)
    (Path(arguments.out) / f"{arguments.pair}.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
