"""One version's process of ``same_speed.py``: does as much work as it is told, a line a turn.

Run with the version's files first on Python's path, which is why nothing here is imported from this
folder. A line on standard input says how many images; the answer is the CPU seconds of all threads
that they took. While the other process has its turn this one waits, and uses none.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def sampling(generator: str) -> Callable[[int], None]:
    """Sample so many images with the default filters and scores, to files."""
    import synthgen

    def work(images: int) -> None:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            settings = {
                "generator": generator, "n": images, "out": f"{folder}/dataset", "device": "cpu",
                "images_per_shard": 500,
            }  # fmt: skip
            synthgen.sample(synthgen.SampleSettings.parse(settings))

    return work


def training(size: str) -> Callable[[int], None]:
    """Steps of r3gan by the recipe of this size, on random images."""
    import numpy as np
    import torch

    import synthgen

    # The version's own page knows how its training is set up; older ones are no package.
    try:
        from benchmarks.training import SIZES, Timed
    except ModuleNotFoundError:
        sys.path.append(str(Path(synthgen.__file__).parents[1] / "benchmarks"))
        from training import SIZES, Timed  # type: ignore[import-not-found, no-redef]

    spec = SIZES[size]
    shape = (2_000, spec.height, spec.width, spec.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    timed = Timed("r3gan", size, images, torch.device("cpu"))
    timed.training.steps = 0  # penalties come every few steps: both begin at the same one

    def work(shown: int) -> None:
        for _ in range(max(1, shown // timed.batch)):
            timed.training.step()

    return work


def main() -> None:
    """Answer lines until there are none."""
    kind, name = sys.argv[1:]
    work = {"sampling": sampling, "training": training}[kind](name)
    for line in sys.stdin:
        start = time.process_time()
        work(int(line))
        print(f"cpu {time.process_time() - start}", flush=True)


if __name__ == "__main__":
    main()
