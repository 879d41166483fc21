"""A quarter of an hour on a GPU: checks, rates of training and sampling, then training.

    python -m benchmarks gpu --minutes 9 --data FOLDER --out DIR

In this order, each part in its share of the time: what only a GPU can show (``gpu_checks.py``); the
training rate of every algorithm and its share of the rate of matrix products; sampling alone, with
scores, with files; and for all the time that is left, training of ``configs/cifar10-32-gpu.yaml``.
It stops by itself. DIR then holds ``figures.json``, ``figures.md`` and the run in at most six parts
of 15 MB; called again with the same DIR, the training goes on from there. ``make gpu-kit
DATA=FOLDER`` collects what a machine without network needs. FOLDER is CIFAR-10 (hub id
uoft-cs/cifar10), or any labelled colour images. ``--device cpu --minutes 2`` rehearses.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # by optimisers anyway; an import that is broken off cannot be made again

from benchmarks.gpu_checks import all_checks
from benchmarks.gpu_parcel import pack, unpack
from benchmarks.measuring import ask_for_data, data_of, machine, matrix_rate, table, take_turns
from benchmarks.sampling import Case, prepared, stages, summary
from benchmarks.training import SIZES, Timed
from synthgen.algorithms.registry import class_conditional
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.freed_memory import keep_freed_memory
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.stage import train

NEEDS = "labelled colour images to train on, CIFAR-10 (hub id uoft-cs/cifar10) for one"
RECIPE = Path(__file__).parent.parent / "configs" / "cifar10-32-gpu.yaml"
SIZE = "rgb-32"
RATES, SAMPLING, LEFT = 0.25, 0.4, 0.1
"""Shares of the time: when the rates, when the rates and sampling are over; what packing gets."""
LEAST_SECONDS = 10.0
"""Training does not begin for less."""
REHEARSED = {
    "batch_size": 16, "images": 100_000, "ticks": 2000, "score_samples": 64,
    "classifier_images": 640, "limit_per_class": 64,
    "options": {"width": 8, "widest": 32, "latent": 16, "style": 32},
}  # fmt: skip
"""In place of the recipe's, on a CPU."""


class Clock:
    """Seconds of the whole, counted from its start."""

    def __init__(self, minutes: float) -> None:
        self.start = time.monotonic()
        self.whole = 60 * minutes

    def left(self, share: float = 1.0) -> float:
        """Seconds until ``share`` of the time is over."""
        return self.start + share * self.whole - time.monotonic()


def training_rates(device: torch.device, clock: Clock) -> list[dict[str, Any]]:
    """Images per second and share of the matrix rate of each algorithm, a slice of time
    for each; who finds too little time has no figures."""
    # A CPU without bfloat16 would multiply in it for minutes.
    precision = resolve_precision("auto", device)
    limit = matrix_rate(precision, device, 512)
    spec = SIZES[SIZE]
    shape = (4_000, spec.height, spec.width, spec.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    names = list(class_conditional())
    found: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        row: dict[str, Any] = {"algorithm": name}
        found.append(row)
        if clock.left(RATES) <= 0:
            continue
        # A step may take longer than its slice: it is broken off before the others have none left.
        own = clock.left(RATES) / (len(names) - place)
        with stopped_after(min(clock.left(RATES), 3 * own)):
            until = time.monotonic() + own
            timed = Timed(name, SIZE, images, device, 8 if device.type == "cpu" else None)
            steps = 1 if device.type == "cpu" else 16
            flops = timed.flops(steps)  # warms up as well
            rates = [timed.rate(steps)]
            while time.monotonic() < until:
                rates.append(timed.rate(steps))
            rate = float(np.median(rates))
            row |= {
                "batch": timed.batch, "images_per_second": rate, "gflop_per_image": flops / 1e9,
                "share_of_matrix_rate": rate * flops / limit,
            }  # fmt: skip
    arithmetic = str(precision).removeprefix("torch.")
    return [
        {"algorithm": "matrix products", "precision": arithmetic, "gflop_per_second": limit / 1e9},
        *found,
    ]


def sampling_rates(device: torch.device, clock: Clock) -> dict[str, Any] | None:
    """Candidates per second of the stages of sampling and of the whole, as ``benchmarks.sampling``
    measures them; ``None`` if there was too little time."""
    if clock.left(SAMPLING) <= 0:
        return None
    small = device.type == "cpu"
    settings: dict[str, Any] = {"generator": "cifar10-32", "device": str(device)}
    case = Case({**settings, **({"batch_size": 16} if small else {})}, 64 if small else 40_000)
    with (
        stopped_after(clock.left(SAMPLING)),
        tempfile.TemporaryDirectory() as folder,
        prepared(case) as resolved,
    ):
        ways = stages(resolved, case, Path(folder))
        for name in ("encode webp", "encode jpeg"):
            ways.pop(name, None)
        rates = take_turns(ways, 1)
        figures = {name: values[0] for name, values in rates.items()}
        return {"candidates_per_second": figures, **summary(rates)}
    return None


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Asks what runs in the block to stop, as Ctrl-C does, when its time (more than 0) is over."""
    left = threading.Event()

    def ask() -> None:
        if not left.wait(seconds):
            os.kill(os.getpid(), signal.SIGINT)

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what is in its back
        signal.signal(signal.SIGINT, signal.default_int_handler)
    watch = threading.Thread(target=ask, daemon=True)
    try:
        with suppress(KeyboardInterrupt):
            watch.start()
            yield
    finally:
        left.set()


def train_on(
    data: str, device: torch.device, out: Path, work: Path, clock: Clock
) -> dict[str, Any]:
    """Train for the time that is left, from the parts in ``out`` if there are any, and leave the
    run there in parts; what became of it."""
    run = work / "run"
    resumed = unpack(out, run)
    seconds = clock.left(1 - LEFT)
    if seconds < LEAST_SECONDS:
        return {"note": f"no training: {max(0.0, seconds):.0f} s were left"}
    values = {**read_yaml(str(RECIPE)), "data": data, "out": str(run), "device": str(device)}
    if device.type == "cpu":
        values |= REHEARSED
    values["cache_dir"] = str(work / "cache")
    with stopped_after(seconds):
        train(TrainSettings.parse(values))
    log = run / "metrics.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    ticks = [json.loads(line) for line in lines if '"score"' in line]
    scored = [tick for tick in ticks if tick["score"] is not None]
    checkpoints = sorted(
        path.name for path in (run / "checkpoints").glob("*") if path.name.isdigit()
    )
    report: dict[str, Any] = {"resumed": resumed, "finished": (run / "bundle").exists()}
    report["images"] = int(checkpoints[-1]) if checkpoints else 0
    if scored:
        best = min(scored, key=lambda tick: float(tick["score"]))
        report |= {key: best[key] for key in ("score", "score_real", "agreement", "diversity")}
        report |= {"best_at": best["images"]}
    if checkpoints:
        report["parts"] = [path.name for path in pack(run, out)]
    return report


def text_of(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [f"# {found['machine']}, {found['date']}", ""]
    if checks := found.get("checks"):
        words = {True: "held", False: "FAILED", None: "not here"}
        rows = [[check["name"], words[check["held"]], check["seen"]] for check in checks]
        lines += [table(["check", "", "what was seen"], rows), ""]
    if rates := found.get("training"):
        limit = rates[0]
        lines.append(
            f"Matrix products in {limit['precision']}: {limit['gflop_per_second']:,.0f} GFLOP/s\n"
        )
        rows = [
            [row["algorithm"], str(row["batch"]), f"{row['images_per_second']:,.0f}",
             f"{row['gflop_per_image']:.2f}", f"{row['share_of_matrix_rate']:.1%}"]
            if "batch" in row else [row["algorithm"], "", "no time left", "", ""]
            for row in rates[1:]
        ]  # fmt: skip
        head = ["algorithm", "batch", "images per second", "GFLOP an image", "of matrix products"]
        lines += [table(head, rows), ""]
    if sampling := found.get("sampling"):
        rows = [[name, f"{rate:,.0f}"] for name, rate in sampling["candidates_per_second"].items()]
        lines += [table(["sampling", "candidates per second"], rows), ""]
        lines += [f"The whole is {sampling['share_of_slowest']:.0%} of {sampling['slowest']}.", ""]
    if run := found.get("run"):
        lines += ["Training of cifar10-32: " + json.dumps(run), ""]
    lines += [f"**{name} failed**: {why}\n" for name, why in found.get("faults", {}).items()]
    return "\n".join([*lines, f"{found['seconds']:.0f} seconds in all."]) + "\n"


def main() -> None:
    """Run all parts, keeping the figures after each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--minutes", type=float, default=9.0, help="For everything.")
    parser.add_argument("--device", default="auto", help="auto, cuda, or cpu to rehearse.")
    parser.add_argument("--out", default="", help="Folder of the figures and of the run's parts.")
    arguments = parser.parse_args()
    data = data_of(arguments, NEEDS)
    if not arguments.out:
        raise SynthgenError("--out is missing: a folder for the figures and the run's parts")
    clock, device = Clock(arguments.minutes), resolve_device(arguments.device)
    if device.type == "cpu" and arguments.device != "cpu":
        raise SynthgenError("there is no GPU here; --device cpu rehearses")
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    found: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "machine": machine(device)}
    with tempfile.TemporaryDirectory() as work:
        parts = {
            "checks": lambda: [vars(check) for check in all_checks(device)],
            "training": lambda: training_rates(device, clock),
            "sampling": lambda: sampling_rates(device, clock),
            "run": lambda: train_on(data, device, out, Path(work), clock),
        }
        for name, part in parts.items():
            say(f"{name}: {clock.left():.0f} s left")
            try:
                found[name] = part()
            except Exception as error:  # whatever it is, the parts after it have their turn
                traceback.print_exc()
                found.setdefault("faults", {})[name] = f"{type(error).__name__}: {error}"[:300]
            found["seconds"] = clock.whole - clock.left()
            (out / "figures.json").write_text(json.dumps(found, indent=2) + "\n")
            (out / "figures.md").write_text(text_of(found))
    print(text_of(found))
    if "faults" in found:
        sys.exit(1)


if __name__ == "__main__":
    main()
