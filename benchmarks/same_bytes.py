"""Whether the code here makes the same bytes as that of an older commit, on this machine.

    python -m benchmarks same_bytes --against COMMIT [--only NAME,...] [--keep FOLDER]

Both make the same seeded runs, each with one thread, from the same inputs: the bundled generators,
and small generators of scikit-learn's digits, which the old commit trains first. Everything goes
through the command line (``python -m synthgen``), so names of modules may change in between. Then
all files of the two output folders are compared byte by byte, names included.

Left out, because two runs of the same code differ in it: the values of ``seconds`` in receipts
(``.synthgen/receipts/*.json`` and their copies in ``manifest.json``), ``images_per_second`` in a
training run's ``metrics.jsonl``, and what is gone when a run is done (locks, staging). The rest of
these files is compared.

One line a run: ``same``, ``differs`` and where, or ``failed`` and why. Exit code 1 unless all are
the same, 2 where the comparison cannot be made. Takes some minutes.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.same_bytes_runs import FILTERS, RUNS, TRAININGS, Run

HERE = Path(__file__).resolve().parents[1]
CLASSES = ("nought", "one", "two")
VOLATILE_KEYS = frozenset({"seconds"})
TIMES_OF_TRAINING = frozenset({"images_per_second"})
LEFT_OUT = (".synthgen/lock", ".synthgen/staging", ".lock")
MOST_TOLD = 4


class Failed(Exception):
    """A command did not end well; the text says which, and its last line."""


@dataclass(frozen=True)
class Side:
    """One version of the code, and the folder that it works in."""

    name: str
    tree: Path
    work: Path

    def python(self, *arguments: str) -> str:
        """What a Python process of this code prints.

        Raises:
            Failed: it ended with another code than 0.
        """
        threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
        environment = {
            **os.environ, **{f"{name}_NUM_THREADS": "1" for name in threads},
            "PYTHONPATH": str(self.tree), "SYNTHGEN_CACHE": str(self.work / "cache"),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.work, env=environment, text=True,
            capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            last = (done.stderr.strip() or "nothing said").splitlines()[-1]
            said = " ".join(arguments[1:])
            raise Failed(f"{self.name}: '{said}' ended with {done.returncode}: {last}")
        return done.stdout

    def run(self, name: str, run: Run) -> None:
        """Make one run in a folder of its name.

        Raises:
            Failed: one of its commands did.
        """
        (self.work / name).mkdir()
        for command in run.commands:
            self.python("-m", "synthgen", *(word.replace("{}", name) for word in command))


def comparable(path: Path, name: str) -> bytes:
    """The bytes of a file that are compared: all, but for the values named in the module's text."""
    content = path.read_bytes()
    if name.endswith("manifest.json") or ".synthgen/receipts/" in name:
        return _without(content.decode(), VOLATILE_KEYS)
    if name.endswith("metrics.jsonl"):
        lines = content.decode().splitlines()
        return b"\n".join(_without(line, TIMES_OF_TRAINING) for line in lines)
    return content


def _without(text: str, keys: frozenset[str]) -> bytes:
    """JSON with the values of these keys emptied, wherever they are; the keys must be there."""
    return json.dumps(json.loads(text, object_pairs_hook=lambda pairs: {
        key: None if key in keys else value for key, value in pairs
    }), indent=1).encode()  # fmt: skip


def files_of(folder: Path) -> dict[str, Path]:
    """All files in a folder that are compared, by their path in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        inside = name.partition("/")[2]
        if path.is_file() and not any(inside.startswith(out) for out in LEFT_OUT):
            found[name] = path
    return found


def differences(old: Path, new: Path) -> Iterator[str]:
    """One piece of text for each file that is not the same in both folders."""
    before, after = files_of(old), files_of(new)
    for name in sorted(before.keys() | after.keys()):
        if name not in after or name not in before:
            yield f"{name} is in the {'old' if name in before else 'new'} only"
            continue
        one, two = comparable(before[name], name), comparable(after[name], name)
        if one != two:
            yield f"{name} {_where(one, two)}"


def _where(one: bytes, two: bytes) -> str:
    shorter = min(len(one), len(two))
    unlike = np.frombuffer(one[:shorter], np.uint8) != np.frombuffer(two[:shorter], np.uint8)
    at = int(np.argmax(unlike)) if unlike.any() else shorter
    lengths = f", of {len(one):,} and {len(two):,}" if len(one) != len(two) else ""
    return f"from byte {at:,}{lengths}"


def export(commit: str, folder: Path) -> str:
    """Put the files of a commit into ``folder``; its full name.

    Raises:
        Failed: git knows no such commit.
    """
    git = ["git", "-C", str(HERE)]
    found = subprocess.run(
        [*git, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"],
        capture_output=True, text=True,
    )  # fmt: skip
    if found.returncode != 0:
        raise Failed(f"no commit '{commit}' in {HERE}; name one of git log")
    archive = subprocess.run(
        [*git, "archive", found.stdout.strip(), "synthgen"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return found.stdout.strip()


def write_digits(folder: Path) -> None:
    """Class folders: 100 digits of each class, white on black; and 50, black on white."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pixels = np.clip(loaded.images * 16, 0, 255).astype(np.uint8)
    for label, name in enumerate(CLASSES):
        for number, image in enumerate(pixels[loaded.target == label][:100]):
            negative = {"negative": 255 - image} if number % 2 else {}
            for domain, shown in {"plain": image, **negative}.items():
                (folder / domain / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(shown).save(folder / domain / name / f"{number:03d}.png")


def prepare(old: Side, folder: Path, runs: dict[str, Run]) -> dict[str, str]:
    """Write the inputs and let the old code train; the generators that failed, and why."""
    write_digits(folder / "data")
    for name, settings in TRAININGS.items():
        (folder / f"{name}.yaml").write_text(json.dumps(settings))
    (folder / "mild.yaml").write_text(json.dumps(FILTERS))
    failed = {}
    for name in sorted({name for run in runs.values() for name in run.trained}):
        try:
            old.run(f"train-{name}", RUNS[f"train-{name}"])
        except Failed as error:
            failed[name] = str(error)
    return failed


def outcome(old: Side, new: Side, name: str, run: Run, untrained: dict[str, str]) -> str:
    """``same``, ``differs`` or ``failed``, and where or why."""
    for needed in (*run.trained, name.removeprefix("train-")):
        if needed in untrained:
            return f"failed: {untrained[needed]}"
    try:
        for side in (old, new):
            if not (side.work / name).exists():  # the old side has trained before
                side.run(name, run)
    except Failed as error:
        return f"failed: {error}"
    found = list(differences(old.work / name, new.work / name))
    if not found:
        return f"same ({len(files_of(new.work / name))} files)"
    more = f"; and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    return f"differs: {'; '.join(found[:MOST_TOLD])}{more}"


def compare(commit: str, names: list[str], folder: Path) -> int:
    """Make the runs of these names with both versions; the exit code.

    Raises:
        Failed: there is no such commit, or a version's code would not be the one that runs.
    """
    full = export(commit, folder / "old-code")
    old = Side("old", folder / "old-code", folder / "old")
    new = Side("new", HERE, folder / "new")
    for side in (old, new):
        side.work.mkdir()
        found = side.python("-c", "import synthgen; print(synthgen.__file__)").strip()
        if Path(found) != side.tree / "synthgen" / "__init__.py":
            raise Failed(f"{side.name}: would run {found}, not {side.tree}")
    runs = {name: RUNS[name] for name in names}
    untrained = prepare(old, folder, runs)
    print(f"old: {full}; new: {HERE} as it is", flush=True)
    others = 0
    for name, run in runs.items():
        told = outcome(old, new, name, run, untrained)
        others += not told.startswith("same")
        print(f"{name:30} {told}", flush=True)
    return int(others > 0)


def main() -> None:
    """Compare, print a line a run, and leave with the exit code of the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", required=True, metavar="COMMIT")
    parser.add_argument("--only", default=",".join(RUNS), help=f"Of {', '.join(RUNS)}.")
    parser.add_argument("--keep", type=Path, help="New folder for what is made; default: none.")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if strange := sorted(set(names) - set(RUNS)):
        parser.error(f"no run '{strange[0]}' (there are {', '.join(RUNS)})")
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True)
    kept = nullcontext(arguments.keep)
    with tempfile.TemporaryDirectory() if arguments.keep is None else kept as folder:
        try:
            code = compare(arguments.against, names, Path(folder).resolve())
        except Failed as error:
            parser.error(str(error))
    sys.exit(code)


if __name__ == "__main__":
    main()
