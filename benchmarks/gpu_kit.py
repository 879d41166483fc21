"""What ``python -m benchmarks gpu`` needs on a machine without network: wheels and images.

    python -m benchmarks.gpu_kit --data FOLDER --out gpu-kit

The wheels are those that the machine's image (Python 3.12 with torch, numpy, pandas, pyarrow,
pillow, safetensors and typer) lacks, of the versions installed here. The images are the training
split of FOLDER's Parquet files, still encoded as they are there, all of them or as many of each
class as find room: kit and images take 64 MiB together.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from packaging.requirements import Requirement

from synthgen.spec.errors import SynthgenError

ROOTS = (
    "click", "datasets", "deflate", "fsspec", "huggingface-hub", "matplotlib", "pydantic", "pyyaml",
    "tqdm", "xxhash", "zlib-ng",
)  # fmt: skip
"""What training and sampling import; with what these need in turn."""
THERE = {"numpy", "pandas", "pillow", "pyarrow", "safetensors", "torch", "typer", "typer-slim"}
NOT_NEEDED = {"hf-xet"}
"""Speeds up downloads, and is large."""
PYTHON = "3.12"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
MOST_BYTES = 64 * 2**20
SPARE = 2**20
"""Bytes left for names and for the rounding of Parquet's pages."""


def needed(roots: tuple[str, ...] = ROOTS) -> dict[str, str]:
    """Package to its version installed here, of ``roots`` and all that they need elsewhere."""
    found: dict[str, str] = {}
    waiting = list(roots)
    environment = {"extra": "", "python_version": PYTHON, "python_full_version": f"{PYTHON}.0"}
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found or name in THERE or name in NOT_NEEDED:
            continue
        package = metadata.distribution(name)
        found[name] = package.version
        for line in package.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(environment):
                waiting.append(requirement.name)
    return dict(sorted(found.items()))


def fetch(packages: dict[str, str], folder: Path) -> int:
    """Download the wheels into ``folder``; their bytes.

    Raises:
        SynthgenError: pip could not.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--only-binary", ":all:", "--python-version", PYTHON,
               "--implementation", "cp", "--dest", str(folder)]  # fmt: skip
    command += [part for platform in PLATFORMS for part in ("--platform", platform)]
    command += [f"{name}=={version}" for name, version in packages.items()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SynthgenError(f"pip download: {done.stderr.strip().splitlines()[-1][:300]}")
    return sum(path.stat().st_size for path in folder.glob("*.whl"))


def copy_images(data: Path, folder: Path, room: int) -> tuple[int, int]:
    """Write the training rows of ``data`` into ``folder``, evenly over the classes, so that they
    take at most ``room`` bytes; how many were written, of how many.

    Raises:
        SynthgenError: there are no Parquet files with the columns ``image`` and ``label``.
    """
    files = sorted(data.rglob("train*.parquet")) or sorted(data.rglob("*.parquet"))
    if not files:
        raise SynthgenError(f"{data}: no Parquet files; give a folder as the hub keeps data sets")
    rows = pa.concat_tables([pq.read_table(path) for path in files])
    if not {"image", "label"} <= set(rows.column_names):
        raise SynthgenError(f"{data}: needs columns image and label, has {rows.column_names}")
    labels = rows["label"].to_numpy()
    size = sum(path.stat().st_size for path in files)
    # The n-th image of every class comes before the n + 1st of any.
    turn = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        turn[own] = np.arange(len(own))
    order = np.argsort(turn, kind="stable")
    count = len(labels) if size <= room else int(len(labels) * room / size)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "train-00000-of-00001.parquet"
    pq.write_table(rows.take(np.sort(order[:count])), path, compression="none")
    if path.stat().st_size > room + SPARE:
        raise SynthgenError(f"{data}: {count:,} images took more room than expected")
    return count, len(labels)


def main() -> None:
    """Make the kit, or end in one line and exit code 2."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", default="gpu-kit")
    arguments = parser.parse_args()
    out = Path(arguments.out)
    shutil.rmtree(out, ignore_errors=True)
    wheels = out / "wheels"
    wheels.mkdir(parents=True)
    taken = fetch(needed(), wheels)
    count, of = copy_images(Path(arguments.data), out / "data", MOST_BYTES - taken - 2 * SPARE)
    total = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    if total > MOST_BYTES:
        raise SynthgenError(f"{out}: {total:,} bytes are more than {MOST_BYTES:,}")
    print(
        f"{out}: {len(list(wheels.iterdir()))} wheels, {count:,} of {of:,} images, {total:,} bytes"
    )
    print(f"there: pip install --no-index --no-deps {out}/wheels/*.whl")
    print(f"       python -m benchmarks gpu --minutes 9 --data {out}/data --out DIR")


if __name__ == "__main__":
    try:
        main()
    except SynthgenError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
