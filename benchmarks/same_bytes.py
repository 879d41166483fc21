"""Whether the code here makes the same bytes as that of an older commit, on this machine.

    python -m benchmarks same_bytes --against COMMIT [--only NAME,...] [--keep FOLDER]

Both make the same seeded runs, each with one thread, from the same inputs: the bundled generators,
and small generators of scikit-learn's digits, which the old commit trains first. Everything goes
through the command line (``python -m synthgen``), so names of modules may change in between. Then
all files of the two output folders are compared byte by byte, names included.

Left out, because two runs of the same code differ in it: the values of ``seconds`` in receipts
(``.synthgen/receipts/*.json`` and their copies in ``manifest.json``) and in a classifier's record,
``images_per_second`` in a training run's ``metrics.jsonl``, and what is gone when a run is done
(locks, staging). The rest of these files is compared.

Differences that are meant are known by name (``same_bytes_intended.py``): each with its reason, and
what must be the same all the same. One line a run: ``same``, ``as meant`` and the names of what
differs, ``differs`` and where, or ``failed`` and why; then the reasons. Exit code 1 if anything
differs that is not meant, 2 where the comparison cannot be made. Takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.same_bytes_files import Unlike, differences, files_of
from benchmarks.same_bytes_intended import INTENDED, meant
from benchmarks.same_bytes_runs import FILTERS, RUNS, TRAININGS, Run
from benchmarks.two_versions import HERE, Failed, Side, sides

CLASSES = ("nought", "one", "two")
MOST_TOLD = 4


@dataclass(frozen=True)
class Outcome:
    """What came of one run."""

    text: str
    meant: Counter[str] = field(default_factory=Counter)
    """Files by the name of the intended difference in them."""
    good: bool = True


def make(side: Side, name: str, run: Run) -> None:
    """Make one run in a folder of its name.

    Raises:
        Failed: one of its commands did.
    """
    (side.work / name).mkdir()
    for command in run.commands:
        side.python("-m", "synthgen", *(word.replace("{}", name) for word in command))


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
            make(old, f"train-{name}", RUNS[f"train-{name}"])
        except Failed as error:
            failed[name] = str(error)
    return failed


def outcome(old: Side, new: Side, name: str, run: Run, untrained: dict[str, str]) -> Outcome:
    """Make the run with both versions, where that is still to do, and compare."""
    for needed in (*run.trained, name.removeprefix("train-")):
        if needed in untrained:
            return Outcome(f"failed: {untrained[needed]}", good=False)
    try:
        for side in (old, new):
            if not (side.work / name).exists():  # the old side has trained before
                make(side, name, run)
    except Failed as error:
        return Outcome(f"failed: {error}", good=False)
    found = list(differences(old.work / name, new.work / name))
    return judged(name, found, len(files_of(new.work / name)))


def judged(name: str, found: list[Unlike], files: int) -> Outcome:
    """Which of the differences found in a run of so many files are meant, and which are not."""
    known: Counter[str] = Counter()
    others = []
    for unlike in found:
        reason = meant(name, unlike)
        if reason is None:
            others.append(str(unlike))
        else:
            known[reason.name] += 1
    if others:
        more = f"; and {len(others) - MOST_TOLD} more" if len(others) > MOST_TOLD else ""
        return Outcome(f"differs: {'; '.join(others[:MOST_TOLD])}{more}", known, good=False)
    if known:
        parts = ", ".join(f"{reason} ({count})" for reason, count in known.items())
        return Outcome(f"as meant ({files - known.total()} files same): {parts}", known)
    return Outcome(f"same ({files} files)")


def compare(commit: str, names: list[str], folder: Path) -> int:
    """Make the runs of these names with both versions; the exit code.

    Raises:
        Failed: there is no such commit, or a version's code would not be the one that runs.
    """
    old, new, full = sides(commit, folder)
    runs = {name: RUNS[name] for name in names}
    untrained = prepare(old, folder, runs)
    print(f"old: {full}; new: {HERE} as it is", flush=True)
    found = []
    for name, run in runs.items():
        found.append(outcome(old, new, name, run, untrained))
        print(f"{name:30} {found[-1].text}", flush=True)
    seen = {name for each in found for name in each.meant}
    for known in INTENDED:
        if known.name in seen:
            print(f"meant: {known.name}: {known.why}")
    return int(not all(each.good for each in found))


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
