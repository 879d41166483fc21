"""Each stage of sampling alone, the whole, and the whole as a share of its slowest stage.

    python -m benchmarks sampling --out sampling.json

Stages and the whole take turns. A stage alone has all cores: as many threads as the whole has, each
on batches made beforehand; writing is one thread and as many bytes as in the whole, and before
either, memory for twice as many has been touched. All rates count candidates, so that rejects cost
the whole what they cost the generator. On a machine without a second device the stages share the
cores, and the most that the whole can reach is the rate at which one core's worth of all stages
together fits in: the column "of the cores' sum".

Cases: ``generator``, the bundled ``cifar10-32`` with default filters and all scores; ``lean``, the
same with neither; ``encoder``, 256 px cut-outs of photographs; ``pillow``, the same through the PNG
encoder of Pillow, which takes longer than all else; ``writer``, small pictures whose "files" are
256 KB of random bytes.

A batch is generated and scored in one go, on one device. Where a network scores it, too, that is
the stage that bounds: "generate + score".
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import (
    disk_rate,
    even_ground,
    machine,
    matrix_rate,
    spread,
    table,
    take_turns,
    write_json,
)
from benchmarks.pictures import Photographs, in_place_of, pillow_png
from synthgen.dataset.counts import rejected
from synthgen.dataset.encoding.encoders import Encoder
from synthgen.dataset.encoding.images import encode
from synthgen.dataset.layout import Layout
from synthgen.dataset.writer import Made, write_shard
from synthgen.generators.generator import Generator
from synthgen.machine.freed_memory import keep_freed_memory
from synthgen.sampling.candidates import Judge, Latents, draw_candidates, examine
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.job import Job
from synthgen.stages.sample.lanes import Lanes, device_turns, lane_count
from synthgen.stages.sample.resolve import Resolved, resolve
from synthgen.stages.sample.shard_maker import ShardMaker
from synthgen.stages.sample.stage import run
from synthgen.storage.place import place

PREMADE = 8
"""Batches that scoring and encoding are measured on, over and over."""
RAW_BYTES = 256 * 1024


@dataclass(frozen=True)
class Case:
    """What is sampled, and how."""

    settings: dict[str, Any]
    n: int
    painter: Photographs | None = None
    encoder: Callable[[np.ndarray], list[bytes]] | None = None
    """In place of synthgen's own."""
    raw: bool = False


def cases(scale: float) -> dict[str, Case]:
    """By name; ``scale`` times as many images."""
    lean = {"filters": "none", "scores": "statistics"}
    cifar = {"generator": "cifar10-32"}
    grey = {"generator": "fashion-mnist-28", "classes": ("bag", "coat")}
    return {
        "generator": Case(cifar, int(12_000 * scale)),
        "lean": Case({**cifar, **lean}, int(12_000 * scale)),
        "encoder": Case({**grey, **lean}, int(4_000 * scale), Photographs(256)),
        "pillow": Case({**grey, **lean}, int(600 * scale), Photographs(256), pillow_png),
        "writer": Case({**grey, **lean}, int(2_000 * scale), Photographs(32), raw=True),
    }


@contextmanager
def prepared(case: Case) -> Iterator[Resolved]:
    """The run, with the case's painter and encoder in place."""
    settings = SampleSettings.parse({**case.settings, "n": case.n, "out": "unused"})
    resolved = resolve(settings)
    # One readable file, for the contact sheet, and bytes that nothing can make smaller.
    side = case.painter.image.height if case.painter else 1
    stub = encode(np.zeros((1, side, side, 3), dtype=np.uint8), "png")[0]
    block = np.random.default_rng(0).bytes(RAW_BYTES - len(stub))

    def raw(self: Encoder, images: np.ndarray) -> list[bytes]:
        return [stub + block for _ in images]

    painted = in_place_of(resolved.tools.generator, case.painter) if case.painter else nullcontext()
    other = raw if case.raw else None
    if case.encoder is not None:
        by = case.encoder
        other = lambda self, images: by(images)  # noqa: E731
    encoded = mock.patch.object(Encoder, "encode", other) if other else nullcontext()
    with painted, encoded:
        if case.raw:
            settings = settings.model_copy(update={"images_per_shard": 500})
        yield resolve(settings, resolved.tools.generator) if case.painter else resolved


def written(job: Job, made: Made, folder: Path, volume: int) -> float:
    """Images per second of writing ``made`` in place of every shard of the job."""
    even_ground(folder, 2 * volume)
    quotas = job.plan.shards[0].quotas
    with tempfile.TemporaryDirectory(dir=folder) as out:
        layout = Layout(place(f"{out}/dataset"))
        start = time.perf_counter()
        for shard in job.plan.shards:
            write_shard(layout, job.plan, replace(shard, quotas=quotas), made)
        return len(job.plan.shards) * len(made.kept) / (time.perf_counter() - start)


def sampled(resolved: Resolved, folder: Path, volume: int) -> float:
    """Candidates per second of the whole run, into a new folder."""
    even_ground(folder, 2 * volume)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        start = time.perf_counter()
        report = run(replace(resolved, out=place(f"{out}/dataset")), "new")
        passed = time.perf_counter() - start
    return (report.plan.rows + int(rejected(report.receipts).sum().sum())) / passed


def stages(resolved: Resolved, case: Case, folder: Path) -> dict[str, Callable[[], float]]:
    """Each gives the candidates per second of one go."""
    job, generator = resolved.job, resolved.tools.generator
    settings = job.settings
    size = settings.batch_size or 1
    keys = np.asarray(job.class_keys, dtype=np.int64)
    judge = Judge(resolved.tools.scorer, job.filters.judge, job.filters.reasons, 0.0)
    labels = np.arange(size, dtype=np.int64) % len(keys)
    turns = device_turns(generator.device)
    all_lanes = Lanes(lane_count())
    count = max(PREMADE, case.n // 4 // size)

    def draw(number: int) -> dict[str, torch.Tensor]:
        numbers = np.arange(size, dtype=np.int64) + number * size
        with turns:
            return draw_candidates(generator, keys, Latents(7), 0, labels, numbers)

    drawn = [draw(number) for number in range(PREMADE)]
    batches = [examine(one, keys, judge, labels, labels) for one in drawn]

    def score(number: int) -> None:
        with turns:
            examine(drawn[number % PREMADE], keys, judge, labels, labels)

    def draw_and_score(number: int) -> None:
        one = draw(number)
        with turns:
            examine(one, keys, judge, labels, labels)

    def encoding(image_format: str) -> Callable[[int], Any]:
        own = Encoder(image_format)  # the case's, where it has one
        return lambda number: own.encode(batches[number % PREMADE].images)

    def in_lanes(work: Callable[[int], Any]) -> float:
        start = time.perf_counter()
        with all_lanes.begin() as submit:
            for wait in [submit(work, number) for number in range(count)]:
                wait()
        return count * size / (time.perf_counter() - start)

    first = job.plan.shards[0]
    drafts = Layout(place(str(folder / "draft")))
    made = ShardMaker(drafts, job, resolved.tools, lambda kept: None).draft(first)
    volume = job.plan.rows * made.kept.file_bytes // len(made.kept)

    formats = ("png",) if case.painter else ("png", "webp", "jpeg")
    if case.raw:
        formats = ("png",)
    named = {f"encode {name}": (lambda f=name: in_lanes(encoding(f))) for name in formats}
    return {
        "generate": lambda: in_lanes(draw),
        "score": lambda: in_lanes(score),
        "generate + score": lambda: in_lanes(draw_and_score),
        **named,
        "write": lambda: written(job, made, folder, volume),
        "whole": lambda: sampled(resolved, folder, volume),
    }


def flops_of(generator: Generator) -> float:
    """FLOP of one image."""
    labels = np.zeros(1, dtype=np.int64)
    with FlopCounterMode(display=False) as counter:
        generator.candidates(labels, labels, labels, seed=0)
    return float(counter.get_total_flops())


def matrix_rate_in_lanes(precision: torch.dtype) -> float:
    """FLOP/s of all cores, each on matrices of its own."""
    lanes = Lanes(lane_count())
    with lanes.begin() as submit:
        waits = [submit(matrix_rate, precision) for _ in range(lanes.count)]
        return sum(wait() for wait in waits)


def summary(rates: dict[str, list[float]]) -> dict[str, float]:
    """Slowest stage, the whole's share of it, and of what the cores' work adds up to."""
    middle = {name: statistics.median(values) for name, values in rates.items()}
    parts = {k: v for k, v in middle.items() if k in ("generate", "score", "encode png", "write")}
    slowest = min(parts, key=lambda name: parts[name])
    shares = [w / rates[slowest][i] for i, w in enumerate(rates["whole"])]
    together = 1 / sum(1 / value for value in parts.values())
    return {
        "slowest": slowest,
        "share_of_slowest": statistics.median(shares),
        "least_share": min(shares),
        "most_share": max(shares),
        "share_of_sum": middle["whole"] / together,
    }


def main() -> None:
    """Measure all cases, print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="So many times the images.")
    parser.add_argument("--only", default="", help="Comma-separated cases.")
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    keep_freed_memory()
    found: dict[str, Any] = {}
    for name, case in cases(arguments.scale).items():
        if arguments.only and name not in arguments.only.split(","):
            continue
        with tempfile.TemporaryDirectory() as folder, prepared(case) as resolved:
            rates = take_turns(stages(resolved, case, Path(folder)), arguments.times)
            shares = summary(rates)
            record: dict[str, Any] = {"candidates_per_second": rates, **shares}
            middle = {stage: statistics.median(values) for stage, values in rates.items()}
            notes = dict.fromkeys(rates, "")
            if case.painter is None:
                flops = flops_of(resolved.tools.generator)
                limit = matrix_rate_in_lanes(resolved.tools.generator.precision)
                record |= {"gflop_per_image": flops / 1e9, "matrix_gflop_per_second": limit / 1e9}
                notes["generate"] = (
                    f"{middle['generate'] * flops / limit:.0%} of {limit / 1e9:,.0f} GFLOP/s"
                )
            if case.raw:
                limit = disk_rate(Path(folder))
                record["disk_mb_per_second"] = limit / 1e6
                notes["write"] = (
                    f"{middle['write'] * RAW_BYTES / limit:.0%} of {limit / 1e6:,.0f} MB/s"
                )
            notes["whole"] = (
                f"{shares['share_of_slowest']:.2f} ({shares['least_share']:.2f} to "
                f"{shares['most_share']:.2f}) of {shares['slowest']}; "
                f"{middle['whole'] / middle['generate + score']:.2f} of generate + score; "
                f"{shares['share_of_sum']:.2f} of the cores' sum"
            )
            found[name] = record
        print(f"\n{name}: {case.n:,} images, {arguments.times} times, {machine()}\n")
        rows = [[stage, spread(values), notes[stage]] for stage, values in rates.items()]
        print(table(["stage", "candidates per second", "share"], rows), flush=True)
    write_json(arguments.out, found)


if __name__ == "__main__":
    main()
