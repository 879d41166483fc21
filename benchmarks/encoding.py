"""Encoding alone: images per second by format and size, on one core and on all; sizes of files.

    python -m benchmarks encoding --out encoding.json

The pictures are cut-outs of photographs; "Pillow" is its default PNG, for the size and the rate.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.measuring import machine, spread, table, take_turns, write_json
from benchmarks.pictures import Photographs, pillow_png
from synthgen.dataset.encoding.encoders import encoder_for
from synthgen.dataset.encoding.images import encode
from synthgen.spec.image import to_uint8

SIDES = (32, 64, 128, 256)
FORMATS = ("png", "webp", "jpeg")


def pictures(side: int, count: int) -> np.ndarray:
    """``uint8 [count, side, side, 3]``."""
    zeros = np.zeros(count, dtype=np.int64)
    drawn = Photographs(side).candidates(zeros, zeros, np.arange(count))
    return to_uint8(drawn["image"]).numpy()


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="Of each measurement, about.")
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    rows, found = [], {}
    for side in SIDES:
        images = pictures(side, max(16, 2**21 // side**2 // 8))
        ways: dict[str, Callable[[], float]] = {}
        sizes: dict[str, float] = {}

        def measured(
            work: Callable[[np.ndarray], Any], threads: int, images: Any = images
        ) -> float:
            start = time.perf_counter()
            done = 0
            with ThreadPoolExecutor(threads) as pool:
                while time.perf_counter() - start < arguments.seconds:
                    parts = [images] * threads
                    list(pool.map(work, parts))
                    done += len(images) * threads
            return done / (time.perf_counter() - start)

        open_encoders = {name: encoder_for(name, side * side, cores) for name in FORMATS}
        try:
            for name in FORMATS:
                one = lambda batch, form=name: encode(batch, form)  # noqa: E731
                ways[f"{name}, one core"] = lambda work=one: measured(work, 1)
                every = open_encoders[name].encode
                ways[f"{name}, all cores"] = lambda work=every: measured(work, cores)
                sizes[name] = float(np.mean([len(file) for file in encode(images, name)]))
            ways["Pillow, one core"] = lambda: measured(pillow_png, 1)
            sizes["Pillow"] = float(np.mean([len(file) for file in pillow_png(images)]))
            rates = take_turns(ways, arguments.times)
        finally:
            for one_encoder in open_encoders.values():
                one_encoder.close()
        found[side] = {"images_per_second": rates, "bytes": sizes}
        for name in (*FORMATS, "Pillow"):
            both = rates.get(f"{name}, all cores")
            single = rates[f"{name}, one core"]
            scaling = statistics.median(both) / statistics.median(single) if both else 0.0
            rows.append(
                [
                    str(side),
                    name,
                    spread(single),
                    f"{spread(both)}, {scaling:.2f} times" if both else "",
                    f"{sizes[name]:,.0f}",
                    f"{sizes[name] / sizes['Pillow']:.2f}",
                ]
            )
    print(f"\n{machine()}, {arguments.times} times\n")
    head = ["side", "format", "per second, one core", f"{cores} cores", "bytes", "of Pillow's PNG"]
    print(table(head, rows))
    write_json(arguments.out, found)


if __name__ == "__main__":
    main()
