"""Whether the code here is as fast as that of an older commit, in CPU seconds of the same work.

    python -m benchmarks same_speed --against COMMIT [--only WORK,...] [--pairs 8]

Each version has a process of its own, with one thread. They take turns of a few seconds: while one
works the other waits, so that whatever else the machine does meets both. Two turns after each other
are a pair, old first and new first by turns; its figure is the new version's CPU seconds (user and
system, all threads) over the old one's, for the same number of images. Start-up and a first turn
of each are not counted.

Work: sampling with each bundled generator, default filters and scores, to files; and training steps
of r3gan by the recipes for 28 px grey and 32 px colour, as each commit's ``benchmarks/training.py``
sets them up (random images).

The interval is that of the median over the pairs, with at least 95 % confidence whatever their
distribution is: order statistics by the binomial distribution, which needs six pairs. What else the
machine does costs CPU seconds too (caches, shared cores) and only ever adds some: beside the median
stands the ratio of both versions' least turns. ``kept``: the interval ends at or below ``--most``;
``slower``: it begins above; ``open``: neither is shown, take more pairs. Exit code 1 if any work is
slower, 2 where the comparison cannot be made.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import IO

from benchmarks.measuring import machine, table, write_json
from benchmarks.two_versions import HERE, Failed, Side, sides

WORK = {
    "sampling-cifar10-32": ("sampling", "cifar10-32"),
    "sampling-fashion-mnist-28": ("sampling", "fashion-mnist-28"),
    "training-grey-28": ("training", "grey-28"),
    "training-rgb-32": ("training", "rgb-32"),
}
GRAIN = 128
"""Images of the first turns, and what those of later ones are a multiple of: a batch. The steps of
one pair are the same ones, with penalties or without."""
PERIOD = 4
"""Steps of r3gan from one with penalties to the next."""
LEAST_PAIRS = 6
CONFIDENCE = 0.95


@dataclass
class Worker:
    """A process of one version that works when it is told."""

    side: Side
    process: subprocess.Popen[str]
    said: IO[str]
    """What it writes to standard error; a file, for a pipe that nobody reads fills up."""

    def work(self, images: int) -> float:
        """CPU seconds of so many images.

        Raises:
            Failed: the process has ended.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(f"{images}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # what it said last is more to the point
        for line in self.process.stdout:
            if line.startswith("cpu "):  # other lines are the work's own
                return float(line.split()[1])
        code = self.process.wait()
        self.said.seek(0)
        last = (self.said.read().strip() or "nothing said").splitlines()[-1]
        raise Failed(f"{self.side.name}: the work ended with {code}: {last}")


@contextmanager
def worker(side: Side, kind: str, name: str) -> Iterator[Worker]:
    """A process of this version for some work; it ends with the block."""
    script = Path(__file__).with_name("same_speed_worker.py")
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            # Safe path: this folder's files must not stand in for the version's own.
            [sys.executable, "-P", str(script), kind, name], cwd=side.work, env=side.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
        ) as process,
    ):  # fmt: skip
        try:
            yield Worker(side, process, said)
        finally:
            process.kill()


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Least and greatest value that the median of the distribution behind ``values`` may have.

    The order statistics k and n - k + 1 for the greatest k whose coverage, by the binomial
    distribution with probability one half, is at least ``confidence``; for fewer than six values
    the least and the greatest, which cover less.
    """
    ordered, count = sorted(values), len(values)
    best, outside = 1, 0
    for k in range(1, count // 2 + 1):
        outside += comb(count, k - 1)
        if 1 - 2 * outside / 2**count >= confidence:
            best = k
    return ordered[best - 1], ordered[count - best]


def pairs(old: Worker, new: Worker, count: int, seconds: float) -> Iterator[tuple[float, float]]:
    """CPU seconds of one image by either version, pair by pair, in turns of about ``seconds``."""
    old.work(GRAIN)
    new.work(GRAIN)
    once = old.work(GRAIN)
    new.work(GRAIN)
    images = GRAIN * max(1, round(seconds / once))
    for number in range(count):
        took = {}
        for side in (old, new) if number % 2 == 0 else (new, old):
            took[side.side.name] = side.work(images) / images
        yield took["old"], took["new"]


@dataclass(frozen=True)
class Measured:
    """One kind of work: CPU seconds of an image by the old and the new version, pair by pair."""

    name: str
    taken: tuple[tuple[float, float], ...]

    @property
    def ratios(self) -> list[float]:
        """New over old: over 1 is slower."""
        return [new / old for old, new in self.taken]

    @property
    def least(self) -> float:
        """The new version's quickest step of each kind over the old one's.

        Turns repeat with the period of the penalties; only turns of the same kind are alike.
        """
        old, new = (
            sum(min(side[kind::PERIOD]) for kind in range(PERIOD))
            for side in zip(*self.taken, strict=True)
        )
        return new / old

    def verdict(self, most: float) -> str:
        """``kept``, ``slower`` or ``open``, by the interval."""
        low, high = interval(self.ratios)
        return "kept" if high <= most else "slower" if low > most else "open"

    def row(self, most: float) -> list[str]:
        """Cells of the table."""
        low, high = interval(self.ratios)
        old, new = (1_000 * statistics.median(side) for side in zip(*self.taken, strict=True))
        return [
            self.name, f"{old:.3f}", f"{new:.3f}", f"{statistics.median(self.ratios):.3f}",
            f"{low:.3f} to {high:.3f}", f"{self.least:.3f}", self.verdict(most),
        ]  # fmt: skip


def measure(old: Side, new: Side, name: str, count: int, seconds: float) -> Measured:
    """Measure one kind of work.

    Raises:
        Failed: a version cannot do it.
    """
    with ExitStack() as stack:
        both = [stack.enter_context(worker(side, *WORK[name])) for side in (old, new)]
        return Measured(name, tuple(pairs(both[0], both[1], count, seconds)))


def main() -> None:
    """Measure all, print the table, and leave with the exit code of the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", required=True, metavar="COMMIT")
    parser.add_argument("--only", default=",".join(WORK), help=f"Of {', '.join(WORK)}.")
    parser.add_argument("--pairs", type=int, default=8, help=f"At least {LEAST_PAIRS}.")
    parser.add_argument("--seconds", type=float, default=3.0, help="Of a turn, about.")
    parser.add_argument("--most", type=float, default=1.03, help="Ratio that counts as kept.")
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if strange := sorted(set(names) - set(WORK)):
        parser.error(f"no work '{strange[0]}' (there are {', '.join(WORK)})")
    if arguments.pairs < LEAST_PAIRS:
        parser.error(f"--pairs {arguments.pairs}: an interval needs at least {LEAST_PAIRS}")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            old, new, full = sides(arguments.against, Path(folder).resolve())
            print(f"old: {full}; new: {HERE} as it is; {machine()}, one thread\n", flush=True)
            for name in names:
                found.append(measure(old, new, name, arguments.pairs, arguments.seconds))
                print("  ".join(found[-1].row(arguments.most)), flush=True)
        except Failed as error:
            parser.error(str(error))
    head = [
        "work",
        "old, CPU s per 1,000 images",
        "new",
        "new / old",
        "95 %",
        "of the least",
        "verdict",
    ]
    print("\n" + table(head, [each.row(arguments.most) for each in found]))
    write_json(
        arguments.out, {"old": full, "cpu_seconds": {each.name: each.taken for each in found}}
    )
    sys.exit(int(any(each.verdict(arguments.most) == "slower" for each in found)))


if __name__ == "__main__":
    main()
