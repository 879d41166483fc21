"""A run folder in a few files of limited size, and back: what a borrowed machine gives home."""

from __future__ import annotations

import tarfile
from pathlib import Path

from synthgen.spec.errors import SynthgenError

PART_BYTES = 15 * 10**6
MOST_PARTS = 6
"""With the two files of figures there are eight at most."""
KEPT = ("settings.json", "metrics.jsonl", "classifier", "best", "bundle")
"""What goes along beside the newest checkpoint."""


def pack(run: Path, out: Path) -> list[Path]:
    """Write ``run.tar.00``, ``.01`` ... of the run folder into ``out``; gives their paths.

    Only the newest checkpoint goes along. Parts of an earlier call are replaced.

    Raises:
        SynthgenError: it takes more than :data:`MOST_PARTS` parts; ``out`` is as it was.
    """
    whole = run.with_name(f"{run.name}.tar")
    newest = sorted(path for path in (run / "checkpoints").glob("*") if path.name.isdigit())[-1:]
    chosen = [*newest, *(run / name for name in KEPT if (run / name).exists())]
    with tarfile.open(whole, "w") as archive:
        for path in chosen:
            archive.add(path, path.relative_to(run))
    size = whole.stat().st_size
    count = -(-size // PART_BYTES)
    if count > MOST_PARTS:
        whole.unlink()
        raise SynthgenError(
            f"{run}: {size:,} bytes take {count} parts, and {MOST_PARTS} are the most; train "
            "narrower networks"
        )
    old = parts_of(out)
    written = []
    with whole.open("rb") as source:
        for number in range(count):
            part = out / f"run.tar.{number:02d}"
            staging = out / f".{part.name}"
            staging.write_bytes(source.read(PART_BYTES))
            staging.replace(part)
            written.append(part)
    for path in old:
        if path not in written:
            path.unlink()
    whole.unlink()
    return written


def parts_of(out: Path) -> list[Path]:
    """The parts in a folder, in order."""
    return sorted(out.glob("run.tar.[0-9][0-9]"))


def unpack(out: Path, run: Path) -> bool:
    """Put the parts in ``out`` together as the folder ``run``; whether there were any.

    Raises:
        SynthgenError: one is missing or damaged.
    """
    parts = parts_of(out)
    if not parts:
        return False
    run.mkdir(parents=True)
    whole = run.with_name(f"{run.name}.tar")
    with whole.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
    try:
        with tarfile.open(whole) as archive:
            archive.extractall(run, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise SynthgenError(
            f"{out}: the parts of the run do not fit together ({error}); copy all of them again"
        ) from None
    whole.unlink()
    return True
