"""Which networks fit a budget of time: speed of each width and side, and quality by seconds.

    python -m benchmarks budget [--data FOLDER]

Makes the tables of docs/recipes.md, which ``stages/train/sizes.py`` stands on. Seconds are of this
process' CPU time, so that what else the machine does counts little; one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.measuring import ask_for_data, data_of, machine, table, write_json
from synthgen.data.cache import load_images
from synthgen.data.glance import Glance
from synthgen.data.splits import Labelled, hold_out
from synthgen.machine.devices import resolve_precision
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.decide import decide_on_this_machine
from synthgen.stages.train.rate import Stopwatch
from synthgen.stages.train.setup import prepare
from synthgen.stages.train.sizes import SIDES, SIZES, Size
from synthgen.stages.train.tick_score import ProgressScore
from synthgen.training.classifier import ClassifierSettings, train_label_classifier
from synthgen.training.distributed import Ranks

CPU = torch.device("cpu")
MOST_SECONDS = 3.0
NEEDS = "labelled images of any size to measure quality on"


def noise(side: int, channels: int) -> Glance:
    """Images of noise, as a source would give them: arithmetic asks for no more."""
    random = np.random.default_rng(0)
    encoded = []
    for _ in range(8):
        file = BytesIO()
        shape = (side, side, 3) if channels == 3 else (side, side)
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(file, "PNG")
        encoded.append(file.getvalue())
    names = tuple(str(number) for number in range(10))
    labels = np.arange(1000, dtype=np.int64) % 10
    return Glance("noise", names, labels, side, side * side, channels, tuple(encoded), labels[:8])


def rates(sides: list[int], channels: int) -> list[list[str]]:
    """A row for each side and width: images a second, GFLOP an image."""
    settings = TrainSettings.parse({"data": "noise", "device": "cpu"})
    precision = resolve_precision("auto", CPU)
    rows = []
    for side in sides:
        watch = Stopwatch(
            settings, noise(side, channels), CPU, precision, most_seconds=MOST_SECONDS,
            now=time.process_time,
        )  # fmt: skip
        for size in reversed(SIZES):
            options = {"width": size.width, "widest": size.widest}
            each = watch.seconds_per_image(side, options)
            gflop = watch.gflop_per_image(side, options)
            rows.append(
                [f"{side}", f"{size.width}", f"{1 / each:.1f}", f"{gflop:.2f}",
                 f"{size.wants_at(side):,}", f"{size.wants_at(side) * each / 60:.0f}"]
            )  # fmt: skip
            print(*rows[-1], flush=True)
    return rows


def quality(data: str, per_class: int, sizes: list[Size], seconds: float) -> list[list[str]]:
    """A row for each width: the score after a quarter, a half and all of the seconds."""
    rows = []
    score = None
    for size in sizes:
        settings = TrainSettings.parse({
            "data": data, "limit_per_class": per_class, "device": "cpu",
            "options": {"width": size.width, "widest": size.widest},
        })  # fmt: skip
        decided = decide_on_this_machine(settings).settings.model_copy(update={"batch_size": 32})
        prepared = prepare(decided, Ranks())
        if score is None:
            real = load_images(decided)
            learnt, held = hold_out(real.labels, decided.holdout, 0)
            score = _score(real.images, real.labels, real.classes, learnt, held)
        training, found = prepared.training, []
        start = time.process_time()
        for share in (0.25, 0.5, 1.0):
            while time.process_time() - start < share * seconds:
                training.step()
            before = time.process_time()
            found.append(f"{score.of(training).frechet:.3g} ({training.shown:,})")
            start += time.process_time() - before
        rows.append([f"{size.width}", *found])
        print(*rows[-1], flush=True)
    return rows


def _score(
    images: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    learnt: np.ndarray,
    held: np.ndarray,
) -> ProgressScore:
    settings = ClassifierSettings(30_000, 64, False, 0, CPU, torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        judge = train_label_classifier(
            Labelled(images, labels), classes, learnt, held, settings, Path(folder)
        )
    part = Labelled(images[learnt], labels[learnt])
    return ProgressScore(
        judge.network.eval(), Labelled(images[held], labels[held]), part, 1000, CPU, torch.float32
    )


def main() -> None:
    """Measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", default=",".join(map(str, reversed(SIDES))))
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3))
    ask_for_data(parser, f"{NEEDS}; without them speed is measured alone")
    parser.add_argument("--per-class", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=120, help="Of CPU time, for each width.")
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    if arguments.data:
        data_of(arguments, NEEDS)  # now, not when the speeds are measured
    torch.set_num_threads(1)
    sides = [int(side) for side in arguments.sides.split(",") if side]
    print(f"{machine()}, one thread\n")
    speed = rates(sides, arguments.channels)
    head = ["side", "width", "images a second", "GFLOP an image", "wants", "minutes for them"]
    print(f"\n{table(head, speed)}\n")
    found = []
    if arguments.data:
        found = quality(
            arguments.data, arguments.per_class, list(reversed(SIZES)), arguments.seconds
        )
        shares = [f"{share * arguments.seconds:.0f} s" for share in (0.25, 0.5, 1)]
        print(f"\n{table(['width', *shares], found)}")
    write_json(arguments.out, {"speed": speed, "quality": found})


if __name__ == "__main__":
    main()
