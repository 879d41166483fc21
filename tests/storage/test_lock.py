"""A lock on a store has an owner and an age."""

import json
import time
from dataclasses import asdict, replace

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from synthgen.spec.errors import SynthgenError
from synthgen.storage import lock as module
from synthgen.storage.lock import Owner, locked, refuse_lost
from synthgen.storage.place import place


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(module, "RENEWED", 0.05)
    monkeypatch.setattr(module, "SETTLED", 0.0)
    monkeypatch.setattr(module, "_lost", {})


@pytest.fixture
def root():
    return place("memory://bucket/set")


def put(root, owner):
    store = (root / "lock").store
    store.pipe_file((root / "lock").path, json.dumps(asdict(owner)).encode())


def elsewhere(**changes):
    return replace(Owner.me(), host="far", machine="another", process=7, **changes)


def test_it_is_held_renewed_and_given_back(root):
    with locked(root / "lock", root):
        first = json.loads((root / "lock").read_bytes())
        refused = pytest.raises(SynthgenError, match="whose last sign of life is 0 s old")
        with refused, locked(root / "lock", root):
            pass
        time.sleep(0.2)
        later = json.loads((root / "lock").read_bytes())
        assert later["token"] == first["token"] and later["renewed"] > first["renewed"]
        refuse_lost(root)
    assert not (root / "lock").exists()


def test_the_lock_of_a_dead_process_of_this_machine_is_taken_at_once(root):
    put(root, replace(Owner.me(), started="1"))  # the number has gone to another process since
    with locked(root / "lock", root):
        pass


def test_a_lock_of_another_machine_is_taken_only_when_it_is_old(root):
    put(root, elsewhere())
    with (
        pytest.raises(SynthgenError, match="in use by process 7 on far"),
        locked(root / "lock", root),
    ):
        pass
    put(root, elsewhere(renewed=time.time() - 61))
    with locked(root / "lock", root):
        pass


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_wrong_clock_takes_no_lock_from_the_living(root, monkeypatch, jump):
    with locked(root / "lock", root):
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        monkeypatch.setattr(Owner, "dead", False)
        with pytest.raises(SynthgenError, match="in use by"), locked(root / "lock", root):
            pass


def test_who_lost_the_lock_writes_nothing_more(root):
    with locked(root / "lock", root):
        put(root, elsewhere())
        time.sleep(0.3)
        with pytest.raises(SynthgenError, match="taken over by process 7 on far"):
            refuse_lost(root)
    assert json.loads((root / "lock").read_bytes())["host"] == "far"  # the other's stays


def test_a_damaged_lock_is_watched_and_then_taken(root):
    (root / "lock").store.pipe_file((root / "lock").path, b"{")
    with locked(root / "lock", root):
        pass


def test_on_s3_the_store_itself_decides(s3, monkeypatch):
    root = place("s3://datasets/locked")
    lock = root / "lock"
    with locked(lock, root):
        # Whoever looked before it was there, or still sees a dead owner's, is told by the store.
        other = module._Held(lock, root)
        assert not other._create()
        seen = lock.store.info(lock.path)
        put(root, elsewhere())  # it changes after it was looked at
        now = lock.read_bytes()
        with monkeypatch.context() as late:
            late.setattr(lock.store, "info", lambda path: seen)
            late.setattr(other, "_read", iter([b"dead", now]).__next__)
            assert not other._take_over(b"dead")
        assert lock.read_bytes() == now
    put(root, elsewhere(renewed=time.time() - 61))
    with locked(lock, root):
        assert json.loads(lock.read_bytes())["host"] != "far"
    assert not lock.exists()
