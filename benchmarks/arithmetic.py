"""The generators' arithmetic: bfloat16 and channels-last order beside contiguous float32.

    python -m benchmarks arithmetic --out arithmetic.json

Images per second of the bundled generators; "as fast" is of the medians, beside the first way.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.measuring import (
    machine,
    matrix_rate,
    seconds,
    spread,
    table,
    take_turns,
    write_json,
)
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator

WAYS = {
    "float32, contiguous": ("fp32", torch.contiguous_format),
    "float32, channels last": ("fp32", torch.channels_last),
    "bfloat16, channels last": ("bf16", torch.channels_last),
}


def rate(generator: Generator, count: int) -> float:
    """Images per second of ``count`` at once."""
    numbers = np.arange(count, dtype=np.int64)
    labels = numbers % len(generator.classes)
    work = partial(generator.candidates, labels, numbers * 0, numbers, seed=0)
    return count / seconds(work)


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generators", default="cifar10-32,fashion-mnist-28")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    rows, found = [], {}
    for name in arguments.generators.split(","):
        ways: dict[str, Callable[[], float]] = {}
        for way, (precision, order) in WAYS.items():
            generator = load_generator(name, device="cpu", precision=precision)
            generator._networks.to(memory_format=order)
            ways[way] = partial(rate, generator, arguments.images)
        rates = take_turns(ways, arguments.times)
        found[name] = rates
        first = statistics.median(next(iter(rates.values())))
        for way, values in rates.items():
            rows.append([name, way, spread(values), f"{statistics.median(values) / first:.2f}"])
    limits = {
        str(dtype).removeprefix("torch."): matrix_rate(dtype)
        for dtype in (torch.float32, torch.bfloat16)
    }
    amx = "with" if torch.cpu._is_amx_tile_supported() else "without"
    print(f"\n{machine()}, {amx} AMX, {arguments.times} times, batches of {arguments.images}")
    print("products of square matrices:", end=" ")
    print(", ".join(f"{limit / 1e9:,.0f} GFLOP/s in {name}" for name, limit in limits.items()))
    print()
    print(table(["generator", "arithmetic", "images per second", "as fast"], rows))
    write_json(arguments.out, {"images_per_second": found, "flops_per_second": limits})


if __name__ == "__main__":
    main()
