"""One writer at a time: a lock with an owner and an age, on disks and on stores.

On a disk the kernel holds it and frees it when its owner dies, however it dies. On a store it is an
object that its owner renews while it lives. It is taken over when its owner is known to be dead
(the same machine, no such process), or when it is older than :data:`EXPIRED` *and* does not change
while it is watched: a clock that is wrong takes no lock away.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synthgen.machine.file_lock import file_lock
from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import Place
from synthgen.storage.store_path import StoreError, StorePath, protocols

RENEWED = 10.0
"""Seconds between two signs of life of an owner."""
EXPIRED = 60.0
"""Seconds without a sign of life after which a lock may be taken over."""
SETTLED = 0.5
"""Seconds after which a lock is read back, on the stores that do not create exclusively."""

CONDITIONAL = {"s3", "s3a"}
"""Stores on which a lock is replaced only if it is still the one that was looked at."""
EXCLUSIVE = CONDITIONAL | {"gs", "gcs", "memory"}
"""Stores that create an object only if there is none."""

_held: set[str] = set()
"""Tokens of the locks on stores that this process holds."""
_lost: dict[str, str] = {}
"""Folders whose lock this process had, and why it has it no more."""


@dataclass(frozen=True)
class Owner:
    """Who holds a lock. ``token`` is new for every time it is taken."""

    token: str
    process: int
    started: str
    """The process's start in the kernel's own count: process numbers come again."""
    host: str
    machine: str
    """Boot and process name space: whose process numbers these are. Empty if not known."""
    since: str
    renewed: float

    @staticmethod
    def me() -> Owner:
        now = time.time()
        since = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        mine = os.getpid()
        return Owner(
            uuid.uuid4().hex, mine, _started(mine), socket.gethostname(), _machine(), since, now
        )

    @property
    def dead(self) -> bool:
        """Whether it is known to be: its process was on this machine and is gone."""
        here = bool(self.machine) and self.machine == _machine()
        gone = _started(self.process) != self.started
        # This process itself may have had it, and could not give it back to a store that was down.
        return here and (gone or (self.process == os.getpid() and self.token not in _held))

    def text(self) -> str:
        return f"process {self.process} on {self.host} since {self.since}"


@contextmanager
def locked(lock: Place, folder: Place) -> Iterator[None]:
    """Hold ``lock``, the lock of ``folder``.

    Raises:
        SynthgenError: another process holds it.
    """
    hold = _flock(lock, folder) if isinstance(lock, Path) else _held_on_store(lock, folder)
    with hold:
        yield


def refuse_lost(folder: Place) -> None:
    """Stop before something is written, if this process had the folder's lock and lost it.

    Raises:
        SynthgenError: it did.
    """
    if str(folder) in _lost:
        raise SynthgenError(f"{folder}: {_lost[str(folder)]}; run the same again to go on")


@contextmanager
def _flock(lock: Path, folder: Place) -> Iterator[None]:
    with file_lock(lock) as kernel:
        if not kernel.take(Owner.me().text()):
            raise SynthgenError(f"{folder}: in use by {kernel.owner()}; wait for it or stop it")
        yield


@contextmanager
def _held_on_store(lock: StorePath, folder: Place) -> Iterator[None]:
    mine = _Held(lock, folder)
    mine.take()
    _held.add(mine.owner.token)
    _lost.pop(str(folder), None)
    renewing = threading.Thread(target=mine.renew_until_released, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        mine.released.set()
        renewing.join()
        mine.give_back()
        _held.discard(mine.owner.token)


class _Held:
    """The lock object of one owner."""

    def __init__(self, lock: StorePath, folder: Place) -> None:
        self.lock = lock
        self.folder = folder
        self.owner = Owner.me()
        self.released = threading.Event()

    def take(self) -> None:
        """Create the object, or take over a dead owner's.

        Raises:
            SynthgenError: its owner is alive.
        """
        taken = False
        while not taken:
            # Read first: some stores take the condition of a PUT and do not keep it.
            found = self._read()
            if found is None:
                taken = self._create()
                continue
            owner = _parse(found)
            if owner is not None and owner.token == self.owner.token:
                break  # the answer to the PUT was lost, not the PUT
            self._await_death(found, owner)
            taken = self._take_over(found)
        if not protocols(self.lock.store) & EXCLUSIVE:
            time.sleep(SETTLED)
        if not self._is_mine():
            raise SynthgenError(f"{self.folder}: another process was faster to take its lock")

    def renew_until_released(self) -> None:
        """Show a sign of life now and then; note it when the lock is another's."""
        last = time.monotonic()
        while not self.released.wait(RENEWED):
            try:
                found = _parse(bytes(self.lock.store.cat_file(self.lock.path)))
                if found is None or found.token != self.owner.token:
                    who = found.text() if found else "another process"
                    _lost[str(self.folder)] = f"its lock was taken over by {who}"
                    return
                self.owner = replace(self.owner, renewed=time.time())
                self._put(self.owner)
                last = time.monotonic()
            except FileNotFoundError:
                _lost[str(self.folder)] = "its lock was removed"
                return
            except Exception:  # the store is slow or down: others do not reach the lock either
                if time.monotonic() - last > EXPIRED:
                    _lost[str(self.folder)] = "its lock could not be renewed"
                    return

    def give_back(self) -> None:
        """Remove the object if it is still this owner's; on a store that is down it expires."""
        try:
            if str(self.folder) not in _lost and self._is_mine():
                self.lock.unlink(missing_ok=True)
        except (SynthgenError, OSError):
            pass

    def _read(self) -> bytes | None:
        try:
            return self.lock.read_bytes()
        except FileNotFoundError:
            return None

    def _create(self) -> bool:
        """Whether there was none, and now there is this owner's."""
        lock, content = self.lock, _text(self.owner)
        try:
            lock.asked(lambda: lock.store.pipe_file(lock.path, content, mode="create"))
        except FileNotFoundError as error:
            raise StoreError(f"{lock}: there is no such bucket ({error})") from None
        except (FileExistsError, StoreError):
            if self._read() is None:
                raise
            return False
        return True

    def _take_over(self, found: bytes) -> bool:
        """Put this owner's in the place of ``found``, the lock of a dead one; whether it was still
        there. Of several who do this at once at most one keeps it."""
        lock, content = self.lock, _text(self.owner)
        if not protocols(lock.store) & CONDITIONAL:
            if self._read() == found:
                lock.unlink(missing_ok=True)
            return self._create()
        mark = lock.asked(lambda: lock.store.info(lock.path))["ETag"]
        if self._read() != found:
            return False
        try:
            lock.store.pipe_file(lock.path, content, IfMatch=mark)
        except Exception as error:  # changed meanwhile, or the store failed
            if self._read() == found:
                reason = " ".join(str(error).split())[:200]
                raise StoreError(f"{lock}: cannot be taken over ({reason})") from None
            return False
        return True

    def _await_death(self, found: bytes, owner: Owner | None) -> None:
        """Return once the owner is known to be dead.

        Raises:
            SynthgenError: it is alive, or may be.
        """
        if owner is not None and owner.dead:
            return
        who = owner.text() if owner else "another process"
        age = abs(time.time() - owner.renewed) if owner else EXPIRED
        if age < EXPIRED:
            raise SynthgenError(
                f"{self.folder}: in use by {who}, whose last sign of life is {age:.0f} s old; wait "
                f"for it or stop it (a dead one's lock is taken over {EXPIRED:.0f} s after it)"
            )
        time.sleep(2.5 * RENEWED)
        if self._read() not in (found, None):
            raise SynthgenError(f"{self.folder}: in use by {who}; wait for it or stop it")

    def _is_mine(self) -> bool:
        found = self._read()
        owner = None if found is None else _parse(found)
        return owner is not None and owner.token == self.owner.token

    def _put(self, owner: Owner) -> None:
        self.lock.store.pipe_file(self.lock.path, _text(owner))


def _text(owner: Owner) -> bytes:
    return json.dumps(asdict(owner)).encode()


def _parse(content: bytes) -> Owner | None:
    try:
        record: dict[str, Any] = json.loads(content)
        return Owner(**record)
    except (ValueError, TypeError):
        return None


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(process: int) -> str:
    """When a process of this machine began; empty if there is none of this number."""
    try:
        # The name in parentheses may hold spaces; the 22nd field counts from before it.
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
