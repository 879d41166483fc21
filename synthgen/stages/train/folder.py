"""The folder of a training run: whose it is, and how it begins."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from synthgen.data.cache import load_images
from synthgen.spec.credentials import blotted
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import DecidedTrainSettings, TrainSettings
from synthgen.storage.lock import locked
from synthgen.storage.place import lies_in
from synthgen.storage.whole import is_part, write_json_whole

LOCK = ".lock"

MAY_CHANGE = {"out", "device", "cache_dir", "checkpoint_every", "threads"}
"""Settings that a resumed run may have otherwise than the run it goes on with."""

DECIDED = "decided.json"
"""What the run decided where its settings leave it open; written before ``settings.json``."""

OPEN = tuple(
    name
    for name in DecidedTrainSettings.__annotations__
    if TrainSettings.model_fields[name].default is None
)
"""Settings that may be left open."""


def begun(out: Path, settings: TrainSettings) -> bool:
    """Whether the folder holds this run already.

    Raises:
        SynthgenError: it holds a run of other settings, other files, or links that lead out of it.
    """
    path = out / "settings.json"
    _refuse_links(out)
    if not path.exists():
        if out.is_dir() and any(map(_foreign, out.iterdir())):
            raise SynthgenError(
                f"{out}: is not empty and holds no run; name another folder with --out"
            )
        return False
    mine = blotted(settings.model_dump(mode="json"))
    theirs = read_object(path)
    if not (out / DECIDED).exists():
        # An earlier version left nothing open: its defaults stand among the settings.
        mine |= {key: theirs[key] for key in OPEN if mine[key] is None and key in theirs}
    # A run that an earlier version began has not heard of newer settings: it has their defaults.
    theirs = json.loads(TrainSettings.model_construct().model_dump_json()) | theirs
    for key in sorted((set(mine) | set(theirs)) - MAY_CHANGE):
        if mine.get(key) != theirs.get(key):
            raise SynthgenError(
                f"{out}: holds a run with {key}={theirs.get(key)!r}, not {mine.get(key)!r}; "
                "resume with the same settings or name another folder with --out"
            )
    return True


def decided_before(out: Path, settings: TrainSettings) -> DecidedTrainSettings | None:
    """What the run in the folder decided when it began; ``None`` if it has not begun.

    Raises:
        SynthgenError: what the folder holds is damaged.
    """
    if not (out / "settings.json").exists():
        return None
    if (out / DECIDED).exists():
        known, where = read_object(out / DECIDED), str(out / DECIDED)
        values = {key: known[key] for key in (*OPEN, "options") if key in known}
    else:
        known, where = read_object(out / "settings.json"), str(out / "settings.json")
        own = settings.resolution or known.get("resolution")
        side = own or load_images(settings).image.height
        values = {key: known[key] for key in OPEN if known.get(key) is not None}
        values |= {"resolution": side}
    return DecidedTrainSettings.parse({**settings.model_dump(), **values}, where)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object of a file of a run's folder.

    Raises:
        SynthgenError: it cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise SynthgenError(f"{path}: not readable; name another folder with --out")
    return found


def _foreign(path: Path) -> bool:
    """Whether something in a folder without a run is no trace of one that was killed at once."""
    return path.name not in (LOCK, DECIDED) and not is_part(path)


def _refuse_links(out: Path) -> None:
    """A run writes and removes inside of its folder alone, whatever somebody put there."""
    for above, folders, files in os.walk(out):
        for path in (Path(above, name) for name in (*folders, *files)):
            if path.is_symlink() and not lies_in(path, out):
                raise SynthgenError(f"{path}: is a link that leads out of {out}; remove it")


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Make the folder if there is none, and hold it: one process at a time trains there.

    Raises:
        SynthgenError: another one does, or the folder cannot be written.
    """
    with ExitStack() as stack:
        try:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(out / LOCK, out))
        except OSError as error:
            raise SynthgenError(f"{out}: cannot make the run folder: {error.strerror}") from None
        yield


def begin(out: Path, settings: TrainSettings, decided: DecidedTrainSettings | None = None) -> None:
    """Make the run folder. Only once the data has been read: a mistyped run leaves no folder.

    ``decided`` are the settings with nothing left open, where the run itself trains.

    Raises:
        SynthgenError: the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        if decided is not None:
            chosen = decided.model_dump(mode="json", include={*OPEN, "options"})
            write_json_whole(out / DECIDED, chosen)
        write_json_whole(out / "settings.json", blotted(settings.model_dump(mode="json")))
    except OSError as error:
        raise SynthgenError(f"{out}: cannot make the run folder: {error.strerror}") from None


def sweep(out: Path) -> None:
    """Remove what a process that is dead left of a bundle or checkpoint it had begun to write."""
    for staging in (*out.glob(".best[-.]*"), *out.glob("checkpoints/.staging-*")):
        process = staging.name.rpartition("-")[2]
        if not Path(f"/proc/{process}").exists():
            shutil.rmtree(staging, ignore_errors=True)
