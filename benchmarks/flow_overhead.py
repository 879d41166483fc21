"""What a flow costs beside the work: the same hundred shards, locally and as a Prefect flow.

    python -m benchmarks flow_overhead --n 20000

Runs each ``--times`` times in turn, in fresh processes (start and imports are part of the price).
Prints the seconds that the flow adds and their share of a ten-minute run of a hundred shards.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHARDS = 100
TEN_MINUTES = 600.0


def seconds(engine: str, n: int, folder: Path) -> float:
    """Wall time of ``synthgen sample --engine ENGINE`` for ``n`` images in a hundred shards."""
    out = folder / engine
    shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "synthgen", "sample", "--classes", "cat,dog", "--n", str(n),
         "--images-per-shard", str(n // SHARDS), "--engine", engine, "--out", str(out)],
        check=True, capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - start


def main() -> None:
    """Run, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--json", default=None, help="File for the figures.")
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {"local": [], "prefect": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.times):
            for engine, times in found.items():
                times.append(seconds(engine, arguments.n, Path(folder)))
    middle = {engine: statistics.median(times) for engine, times in found.items()}
    extra = middle["prefect"] - middle["local"]
    for engine, times in found.items():
        spread = ", ".join(f"{value:.1f}" for value in times)
        print(f"{engine:<8} {middle[engine]:6.1f} s   ({spread})")
    print(
        f"the flow adds {extra:.1f} s to {SHARDS} shards, {extra / TEN_MINUTES:.1%} of ten minutes"
    )
    if arguments.json:
        record = {"seconds": found, "extra_seconds": extra, "shards": SHARDS}
        Path(arguments.json).write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
