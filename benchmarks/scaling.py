"""Does an image cost the same in a large run? Time per image and memory at two sizes, and workers.

    python -m benchmarks scaling --small 10000 --large 100000 --out scaling.json

Every run is a ``synthgen sample`` of its own process, start-up taken off by its own last line.
Memory is the peak of that process (of the largest, with several workers). The small size is run
several times between, so that the machine's own drift shows.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.measuring import machine, spread, table, write_json

MEASURED = """
import resource, runpy, sys
sys.argv = ["synthgen", *sys.argv[1:]]
try:
    runpy.run_module("synthgen", run_name="__main__")
except SystemExit as end:
    code = end.code
else:
    code = 0
whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
print("peak", max(resource.getrusage(who).ru_maxrss for who in whose) * 1024)
sys.exit(code)
"""


def sample(n: int, workers: int, generator: str) -> tuple[float, float]:
    """Images per second and peak bytes of one run."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            sys.executable, "-c", MEASURED, "sample", "--generator", generator, "--n", str(n),
            "--workers", str(workers), "--out", f"{folder}/out", "--device", "cpu",
        ]  # fmt: skip
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    rate = re.search(r"speed:\s+([\d,]+) images/s", done.stdout)
    peak = re.search(r"peak (\d+)", done.stdout)
    assert rate and peak, done.stdout
    return float(rate[1].replace(",", "")), float(peak[1])


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=3, help="Runs of the small size.")
    parser.add_argument("--workers", default="1,2", help="Tried at the small size.")
    parser.add_argument("--generator", default="fashion-mnist-28")
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    workers = [int(word) for word in arguments.workers.split(",")]
    runs: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for turn in range(arguments.times):
        for count in workers:
            found = sample(arguments.small, count, arguments.generator)
            runs.setdefault((arguments.small, count), []).append(found)
        if turn == arguments.times // 2:
            found = sample(arguments.large, 1, arguments.generator)
            runs.setdefault((arguments.large, 1), []).append(found)
    print(f"\n{arguments.generator}, {machine()}\n")
    rows, record = [], []
    for (n, count), values in sorted(runs.items()):
        rates, peaks = [rate for rate, _ in values], [peak / 1e6 for _, peak in values]
        rows.append([f"{n:,}", str(count), spread(rates), spread(peaks)])
        record.append({"n": n, "workers": count, "images_per_second": rates, "peak_mb": peaks})
    print(table(["images", "workers", "images per second", "peak MB"], rows))
    small, large = runs[arguments.small, 1], runs[arguments.large, 1]
    time_ratio = statistics.median(r for r, _ in small) / statistics.median(r for r, _ in large)
    peak_ratio = statistics.median(p for _, p in large) / statistics.median(p for _, p in small)
    print(f"\ntime per image, large to small: {time_ratio:.2f}; peak memory: {peak_ratio:.2f}")
    summary: dict[str, Any] = {"runs": record, "time_ratio": time_ratio, "peak_ratio": peak_ratio}
    write_json(arguments.out, summary)


if __name__ == "__main__":
    main()
