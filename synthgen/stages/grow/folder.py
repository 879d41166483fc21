"""The folder of a growing dataset: whose it is, and where everything lies in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.dataset.layout import Layout
from synthgen.machine.progress import say
from synthgen.spec.credentials import blotted
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.base import Settings
from synthgen.stages.train.folder import LOCK, read_object
from synthgen.storage.whole import is_part, write_json_whole

SETTINGS, DATA, FINISHED, REPORT = "settings.json", "data.json", "finished.json", "report.md"
DATASET, POOL, FINAL = "dataset", "pool", "final"

MAY_CHANGE = frozenset({"out", "device", "cache_dir", "threads"})
"""Settings that a command that goes on may have otherwise."""


@dataclass(frozen=True)
class RoundFolder:
    """Where a labelling, and what is made by it, lies."""

    root: Path

    @property
    def classifiers(self) -> Path:
        return self.root / "classifiers"

    @property
    def labels(self) -> Path:
        """What the classifiers said of every pool image."""
        return self.root / "labels.parquet"

    @property
    def record(self) -> Path:
        """Written after the labels: a labelling without it is not done."""
        return self.root / "labels.json"

    @property
    def learnt(self) -> Path:
        """The images that the generator learns from, as a dataset."""
        return self.root / "labelled-pool"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def samples(self) -> Path:
        return self.root / "samples"


def round_folder(out: Path, number: int, rounds: int) -> RoundFolder:
    """The folder of the ``number``-th labelling, from 1 on; the one after all rounds is the final
    one."""
    return RoundFolder(out / (FINAL if number > rounds else f"round-{number}"))


def may_change(out: Path, rounds: int) -> frozenset[str]:
    """Settings that a growth of so many rounds in the folder ``out`` may go on with otherwise:
    filters, too, until the samples of the last round are finished. Those of the rounds before stay
    as they were made."""
    samples = round_folder(out, rounds, rounds).samples
    finished = (out / FINISHED).exists() or Layout(samples).is_complete()
    return MAY_CHANGE if finished else MAY_CHANGE | {"filters"}


def begun(out: Path, settings: Settings, free: frozenset[str] = MAY_CHANGE) -> bool:
    """Whether the folder holds what these settings make; those in ``free`` may be others.

    Raises:
        SynthgenError: it holds what others make, or other files.
    """
    path = out / SETTINGS
    if not path.exists():
        if out.is_file():
            raise SynthgenError(f"{out}: is a file; name a folder with --out")
        if out.is_dir() and any(map(_foreign, out.iterdir())):
            raise SynthgenError(
                f"{out}: is not empty and holds no run; name another folder with --out"
            )
        return False
    mine, theirs = _as_json(settings), read_object(path)
    for key in sorted((set(theirs) | set(mine)) - free):
        if theirs.get(key) != mine.get(key):
            raise SynthgenError(
                f"{out}: holds a run with {key}={theirs.get(key)!r}, not {mine.get(key)!r}; go on "
                "with the same settings or name another folder with --out"
            )
    return True


def begin(out: Path, settings: Settings, data: dict[str, Any]) -> None:
    """Write down the settings and ``data``, what the real images are known by. In a folder that has
    them the images are compared, and settings that :func:`begun` let pass take the old ones' place.

    Raises:
        SynthgenError: the images are others than when the run began, or the folder cannot be
            written.
    """
    if (out / SETTINGS).exists():
        for key, theirs in read_object(out / DATA).items():
            if data.get(key) != theirs:
                raise SynthgenError(
                    f"{out}: the {key} images are others than when it was begun; name another "
                    "folder with --out"
                )
        if read_object(out / SETTINGS).get("filters") == _as_json(settings).get("filters"):
            return
        say(f"{out}: goes on with other filters; samples of finished rounds stay as they are")
    try:
        write_json_whole(out / DATA, data)
        write_json_whole(out / SETTINGS, blotted(settings.model_dump(mode="json")))
    except OSError as error:
        raise SynthgenError(f"{out}: cannot be written: {error.strerror}") from None


def _as_json(settings: Settings) -> dict[str, Any]:
    """As they are read back from a file."""
    found: dict[str, Any] = json.loads(json.dumps(blotted(settings.model_dump(mode="json"))))
    return found


def _foreign(path: Path) -> bool:
    """Whether something in a folder without a run is no trace of one that was killed at once."""
    return path.name not in (LOCK, DATA) and not is_part(path)
