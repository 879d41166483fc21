"""How long users wait for the first thing they see.

    python -m benchmarks startup --out startup.json

Each is a process of its own: ``synthgen --help``, ``synthgen sample --help``, importing the
package, and ``synthgen sample`` on the CPU until its first image is there, broken down by clocks
inside that process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from benchmarks.measuring import machine, seconds, spread, table, take_turns, write_json

BREAKDOWN = """
import json, sys, time
begin = float(sys.argv[1])
marks = {"python": time.time() - begin}
def mark(name):
    marks[name] = time.time() - begin
import torch
mark("import torch")
import numpy, pyarrow.parquet, datasets
mark("import numpy, pyarrow, datasets")
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.resolve import resolve
from synthgen.stages.sample.stage import run
from synthgen.dataset.layout import Layout
from synthgen.stages.sample.shard_maker import ShardMaker
mark("import synthgen")
settings = SampleSettings.parse(
    {"classes": ["cat", "dog"], "n": 1000, "device": "cpu", "out": sys.argv[2]}
)
resolved = resolve(settings)
mark("load the generator, plan")
class First(Exception):
    pass
def first(count):
    if count:
        mark("first image")
        raise First
maker = ShardMaker(Layout(resolved.out), resolved.job, resolved.tools, first)
try:
    maker.draft(resolved.job.plan.shards[0])
except First:
    pass
print(json.dumps(marks))
"""


def command(*arguments: str) -> float:
    """Seconds of a process."""
    words = [sys.executable, *arguments]
    return seconds(lambda: subprocess.run(words, check=True, capture_output=True))


def first_image(marks: dict[str, list[float]]) -> float:
    """Seconds until the first image; adds the steps on the way to ``marks``."""
    import time

    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", BREAKDOWN, str(time.time()), f"{folder}/out"]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    before = 0.0
    for name, at in found.items():
        marks.setdefault(name, []).append(at - before)
        before = at
    return before


def main() -> None:
    """Measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    marks: dict[str, list[float]] = {}
    ways: dict[str, Callable[[], float]] = {
        "synthgen --help": lambda: command("-m", "synthgen", "--help"),
        "synthgen sample --help": lambda: command("-m", "synthgen", "sample", "--help"),
        "import synthgen": lambda: command("-c", "import synthgen"),
        "first image of synthgen sample": lambda: first_image(marks),
    }
    found: dict[str, Any] = {"seconds": take_turns(ways, arguments.times)}
    found["breakdown"] = {name: values[1:] for name, values in marks.items()}
    print(f"\n{machine()}, {arguments.times} times\n")
    rows = [[name, spread(values, 2)] for name, values in found["seconds"].items()]
    print(table(["what", "seconds"], rows))
    rows = [[name, spread(values, 2)] for name, values in found["breakdown"].items()]
    print("\n" + table(["on the way to the first image", "seconds"], rows))
    write_json(arguments.out, found)


if __name__ == "__main__":
    main()
