"""Training speed of every algorithm: images per second, share of the matrix rate, share of data.

    python -m benchmarks training --size grey-28 --out training.json

Each algorithm has the networks, batch and augmentation of its recipe
(``configs/recipes/NAME-SIZE.yaml``) and random images in a memory-mapped file: what is learnt does
not matter to the clock. "data" is the share of the step that fetching real images takes, from the
file to a tensor on the device. The algorithms take turns. FLOP are counted by torch over the same
steps, backward included; the matrix rate is that of a product of two square matrices in the same
precision on the same device.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import machine, matrix_rate, spread, table, take_turns, write_json
from synthgen.algorithms.registry import build, class_conditional, registered
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.freed_memory import keep_freed_memory
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.train import TrainSettings
from synthgen.training.augment import diffaugment, no_augmentation
from synthgen.training.batches import Stream, TaskBatches
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings

RECIPES = Path(__file__).parent.parent / "configs" / "recipes"
SIZES = {
    "grey-28": ImageSpec(28, 28, 1),
    "rgb-32": ImageSpec(32, 32, 3),
    "rgb-64": ImageSpec(64, 64, 3),
}
CLASSES = 10
FIRST_STEP = 32
"""A step of all lazy phases, after WGAN's first ones, which have twenty times the critic's work."""


class Timed:
    """Steps of one algorithm, and the seconds of them that went to data."""

    def __init__(self, name: str, size: str, images: np.ndarray, device: torch.device,
        batch: int | None = None,
    ) -> None:  # fmt: skip
        values = read_yaml(str(RECIPES / f"{name}-{size}.yaml"))
        settings = TrainSettings.parse({**values, "data": "unused", "algorithm": name})
        spec = SIZES[size]
        names = tuple(str(number) for number in range(CLASSES))
        task = registered()[name].takes.task(names, spec)
        torch.manual_seed(0)
        labels = np.arange(len(images), dtype=np.int64) % CLASSES
        rows = np.arange(len(images), dtype=np.int64)
        columns = {"image": images, "source": images, "label": labels}
        streams = [Stream(columns, rows, seed) for seed in range(len(task.streams))]
        self.device = device
        self.batch = batch or settings.batch_size
        self.data_seconds = 0.0
        self.training = Training(
            build(name, task, settings.options),
            TaskBatches(task, streams, flip=settings.flip),
            LoopSettings(
                images=settings.images,
                batch_size=self.batch,
                seed=0,
                ema_half_life=settings.ema_half_life,
                augment=diffaugment if settings.augment == "diffaugment" else no_augmentation,
                precision=resolve_precision("auto", device),
                device=device,
            ),
        )
        self.training.steps = FIRST_STEP

    def rate(self, steps: int) -> float:
        """Real images shown per second."""
        fetch = TaskBatches.at

        def clocked(batches: TaskBatches, *place: Any) -> Any:
            start = time.perf_counter()
            got = fetch(batches, *place)
            self._wait()
            self.data_seconds += time.perf_counter() - start
            return got

        start = time.perf_counter()
        self.data_seconds = 0.0
        with mock.patch.object(TaskBatches, "at", clocked):
            for _ in range(steps):
                self.training.step()
            self._wait()
        passed = time.perf_counter() - start
        self.data_seconds /= passed
        return steps * self.batch / passed

    def flops(self, steps: int) -> float:
        """FLOP of one image shown."""
        with FlopCounterMode(display=False) as counter:
            for _ in range(steps):
                self.training.step()
        return float(counter.get_total_flops()) / (steps * self.batch)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def main() -> None:
    """Measure all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="grey-28", choices=sorted(SIZES))
    parser.add_argument("--only", default="", help="Comma-separated algorithms.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=16, help="A multiple of all lazy intervals.")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    keep_freed_memory()
    device = resolve_device(arguments.device)
    names = [name for name in arguments.only.split(",") if name] or list(class_conditional())
    spec = SIZES[arguments.size]
    with tempfile.TemporaryDirectory() as folder:
        shape = (20_000, spec.height, spec.width, spec.channels)
        random = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        np.save(f"{folder}/images.npy", random)
        images = np.load(f"{folder}/images.npy", mmap_mode="r")
        timed = {name: Timed(name, arguments.size, images, device) for name in names}
        shares: dict[str, list[float]] = {name: [] for name in names}

        def way(name: str) -> float:
            rate = timed[name].rate(arguments.steps)
            shares[name].append(timed[name].data_seconds)
            return rate

        rates = take_turns({name: lambda name=name: way(name) for name in names}, arguments.times)
        limit = matrix_rate(timed[names[0]].training.precision, device)
        rows, found = [], {}
        for name in names:
            flops = timed[name].flops(arguments.steps)
            middle = float(np.median(rates[name]))
            data = float(np.median(shares[name][1:]))
            rows.append([
                name, spread(rates[name]), f"{flops / 1e9:.2f}", f"{middle * flops / limit:.0%}",
                f"{data:.1%}",
            ])  # fmt: skip
            found[name] = {
                "images_per_second": rates[name], "gflop_per_image": flops / 1e9,
                "share_of_matrix_rate": middle * flops / limit, "data_share": data,
            }  # fmt: skip
    print(f"\n{arguments.size}, {machine(device)}, {limit / 1e9:,.0f} GFLOP/s of matrix products\n")
    head = ["algorithm", "images per second", "GFLOP an image", "of the matrix rate", "data"]
    print(table(head, rows))
    write_json(arguments.out, {"size": arguments.size, "algorithms": found}, device)


if __name__ == "__main__":
    main()
