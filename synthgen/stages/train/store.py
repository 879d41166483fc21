"""A run folder on a store: the run is made in a copy on this machine, which is sent as it grows.

A checkpoint on the store is whole when its ``state.json`` is there, which is sent last; beside it
lies the best bundle of its time. So a run that is killed anywhere, and goes on from the store on
any machine, has a checkpoint and the bundle that belongs to it. Of a bundle the file that has the
hashes of the others is sent last.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from synthgen.generators.generator_set import SET
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.stages.train.folder import DECIDED, LOCK
from synthgen.storage.lock import locked, refuse_lost
from synthgen.storage.place import Place
from synthgen.storage.store_path import StoreError, StorePath
from synthgen.storage.transfer import fetch, files_below, put_whole, remove_folder, scratch
from synthgen.training.distributed import Ranks

STATE = "state.json"
CONFIG = "config.json"
ORDER = {DECIDED: -1, "settings.json": 0, "best": 2, "checkpoints": 3, "bundle": 4}
"""What is sent first and last; anything else is at 1."""

Send = Callable[[bool], None]
"""Bring the store up to date. ``True``: it must be; else a store that fails is tried later."""


@contextmanager
def run_folder(where: Place, group: Ranks) -> Iterator[tuple[Path, Send]]:
    """The run folder ``where`` on this machine, and what sends it home.

    A folder of this machine is itself, and nothing is sent. One on a store is locked, copied here,
    and removed here when all has arrived.

    Raises:
        SynthgenError: another process trains there, there are other files, the store fails, or the
            processes of the run are on several machines.
    """
    if not isinstance(where, StorePath):
        yield where, _nothing
        return
    if int(os.environ.get("LOCAL_WORLD_SIZE", group.count)) != group.count:
        raise SynthgenError(
            f"{where}: a run of several machines needs a folder that all of them see; a store is "
            "for the processes of one"
        )
    here = scratch(f"training {where}")
    if not group.leads:
        group.wait()  # for the copy
        yield here, _nothing
        return
    with locked(where / LOCK, where):
        copy = _Copy(where, here)
        try:
            copy.pull()
            group.wait()
            yield here, copy.send
        except StoreError:
            raise
        except SynthgenError as error:
            raise SynthgenError(str(error).replace(str(here), str(where))) from None
        finally:
            if copy.behind:
                say(f"{here}: has what did not arrive at {where}")
            else:
                shutil.rmtree(here, ignore_errors=True)


def _nothing(must: bool) -> None:
    """A folder of this machine is up to date."""


class _Copy:
    """The copy of a run folder and what of it has arrived on the store."""

    def __init__(self, where: StorePath, here: Path) -> None:
        self.where = where
        self.here = here
        self.behind = False
        self._arrived: dict[str, tuple[int, int]] = {}
        """Name on the store to size and time of the file that was sent under it."""

    def pull(self) -> None:
        """Fetch what going on needs; of a finished run, that it is."""
        shutil.rmtree(self.here, ignore_errors=True)
        names = [name for name in files_below(self.where) if name != LOCK]
        if set(names) - {DECIDED} and "settings.json" not in names:
            raise SynthgenError(
                f"{self.where}: is not empty and holds no run; name another folder with --out"
            )
        done = [name for name in (f"bundle/{CONFIG}", f"bundle/{SET}") if name in names]
        for name in ("settings.json", DECIDED, *done):
            if name in names:
                self._fetch(name, name)
        if done:
            return
        whole = sorted(name.split("/")[1] for name in names if _is_state(name))
        for name in names:
            top, _, inside = name.partition("/")
            number, _, rest = inside.partition("/")
            of_best = top == "checkpoints" and rest.startswith("best/")
            if of_best and number in whole[-1:]:
                self._fetch(name, rest)
            elif not of_best and (number in whole or top in ("metrics.jsonl", "classifier")):
                self._fetch(name, name)

    def send(self, must: bool) -> None:
        """See :data:`Send`.

        Raises:
            SynthgenError: another process has taken the folder over, or what must arrive does not.
        """
        refuse_lost(self.where)
        try:
            self._forget_checkpoints()
            for name, source in sorted(self._files(), key=lambda pair: _rank(pair[0])):
                self._send(name, source)
            self.behind = False
        except StoreError as error:
            self.behind = True
            if must:
                raise
            say(f"{error}; the run goes on here, and sends it with the next checkpoint")

    def _fetch(self, name: str, to: str) -> None:
        target = self.here / to
        target.parent.mkdir(parents=True, exist_ok=True)
        fetch(self.where / name, target)
        self._arrived[name] = _mark(target)

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Names on the store and files here; the best bundle twice, with the newest checkpoint."""
        names = [n for n in files_below(self.here) if not any(p[0] == "." for p in n.split("/"))]
        newest = max((n.split("/")[1] for n in names if _is_state(n)), default=None)
        for name in names:
            # An older one that did not arrive in its time would be there without its bundle.
            number = name.split("/")[1] if name.startswith("checkpoints/") else newest
            if number != newest and f"checkpoints/{number}/{STATE}" not in self._arrived:
                continue
            yield name, self.here / name
            if newest is not None and name.startswith("best/"):
                yield f"checkpoints/{newest}/{name}", self.here / name

    def _send(self, name: str, source: Path) -> None:
        mark = _mark(source)
        if self._arrived.get(name) == mark:
            return
        if name.startswith("checkpoints/") and not _is_state(name):
            # Made once more: it is not whole until its state has arrived again.
            state = "/".join([*name.split("/")[:2], STATE])
            if self._arrived.pop(state, None) is not None:
                (self.where / state).unlink(missing_ok=True)
        put_whole(source, self.where / name)
        self._arrived[name] = mark

    def _forget_checkpoints(self) -> None:
        """Remove those from the store that are no more here, each one's state first."""
        folder = self.where / "checkpoints"
        there = {name.split("/")[0] for name in files_below(folder)}
        for number in sorted(n for n in there if not (self.here / "checkpoints" / n).is_dir()):
            (folder / number / STATE).unlink(missing_ok=True)
            remove_folder(folder / number)
            for name in [n for n in self._arrived if n.startswith(f"checkpoints/{number}/")]:
                del self._arrived[name]


def _is_state(name: str) -> bool:
    top, *rest = name.split("/")
    return top == "checkpoints" and len(rest) == 2 and rest[1] == STATE


def _rank(name: str) -> tuple[int, str, int, str]:
    """Where a file stands in the order of sending: what says that others are whole after them."""
    top, *rest = name.split("/")
    number = rest[0] if top == "checkpoints" else ""
    last = {CONFIG: 1, SET: 2}.get(name.rpartition("/")[2], 0)
    return ORDER.get(top, 1), number, 3 if _is_state(name) else last, name


def _mark(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns
