"""Stores that are slow, fail, lie or go down: what is made on them is whole all the same."""

import random
import time
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from stores import RUN, contents

from synthgen.dataset.layout import Layout
from synthgen.dataset.verify import verify
from synthgen.storage import retry, transfer
from synthgen.storage.place import place
from synthgen.storage.store_path import StoreError


@pytest.fixture
def whole(sampled, tmp_path):
    """The same run on a disk, undisturbed."""
    return sampled(**RUN, out=str(tmp_path / "whole")).root


class Bad(MemoryFileSystem):
    """A store that fails, is slow, or keeps half of what it is sent, as its ``plan`` says."""

    protocol = ("bad",)
    store, pseudo_dirs = {}, [""]
    cachable = False
    plan = staticmethod(lambda call, path: None)

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(str(path).removeprefix("bad:/"))

    def put_file(self, lpath, rpath, **options):
        half = self.plan("put", rpath)
        content = Path(lpath).read_bytes()
        self.pipe_file(rpath, content[: len(content) // 2] if half else content)

    def cat_file(self, path, start=None, end=None, **options):
        half = self.plan("cat", path)
        found = super().cat_file(path, start=start, end=end)
        return found[: len(found) // 2] if half else found

    def info(self, path, **options):
        self.plan("info", path)
        return super().info(path, **options)

    def ls(self, path, detail=True, **options):
        self.plan("ls", path)
        return super().ls(path, detail=detail, **options)


@pytest.fixture(params=["renames", "puts whole"])
def bad(monkeypatch, request):
    import fsspec

    if request.param == "puts whole":
        monkeypatch.setattr(transfer, "OBJECT_STORES", {"bad"})

    fsspec.register_implementation("bad", Bad, clobber=True)
    monkeypatch.setattr(Bad, "store", {})
    monkeypatch.setattr(Bad, "pseudo_dirs", [""])
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.001)
    return "bad://bucket/pets"


def test_a_store_that_is_slow_fails_now_and_then_and_keeps_halves(bad, sampled, whole, monkeypatch):
    rng = random.Random(0)
    seen = {"failed": 0, "half": 0, "slow": 0}

    def plan(call, path):
        dice = rng.random()
        if dice < 0.15:
            seen["failed"] += 1
            raise ConnectionError("reset by peer")
        if dice < 0.25:
            seen["slow"] += 1
            time.sleep(0.02)
        # The first shard for certain, others by chance: how many calls there are is not fixed.
        luck = dice > 0.9 or not seen["half"]
        if luck and call in ("put", "cat") and ".parquet" in path:
            seen["half"] += 1
            return True
        return False

    monkeypatch.setattr(Bad, "plan", staticmethod(plan))
    monkeypatch.setattr(retry, "TRIES", 12)
    sampled(**RUN, out=bad)
    assert all(seen.values()), seen
    monkeypatch.setattr(Bad, "plan", staticmethod(lambda call, path: None))
    assert contents(bad) == contents(whole) and verify(bad).problems == []


@pytest.mark.parametrize("after", [3, 12, 30])
def test_a_store_that_goes_down_is_named_and_nothing_is_lost(
    bad, sampled, whole, monkeypatch, after
):
    """It is down from its nth call on, whatever that is: a shard, a receipt, the manifest."""
    calls = []

    def plan(call, path):
        calls.append(call)
        if len(calls) > after:
            raise ConnectionError("https://me:pw@host/?X-Amz-Signature=abc is down")

    monkeypatch.setattr(Bad, "plan", staticmethod(plan))
    with pytest.raises(StoreError, match=r"bad://bucket/pets.*the store fails") as fault:
        sampled(**RUN, out=bad)
    assert "pw" not in str(fault.value) and "abc" not in str(fault.value)
    assert not any(path.endswith("pets/README.md") for path in Bad.store)
    monkeypatch.setattr(Bad, "plan", staticmethod(lambda call, path: None))
    kept = {n: h for n, h in contents(bad).items() if n.startswith("data/")}
    assert kept.items() <= contents(whole).items()
    assert sampled(**RUN, out=bad).made >= 3 - len(kept)
    assert contents(bad) == contents(whole) and verify(bad).problems == []


def test_a_store_that_lies_about_a_shard_is_found_at_the_next_run(bad, sampled, whole, monkeypatch):
    sampled(**RUN, out=bad)
    shard = place(bad) / "data" / "test-00000.parquet"
    Layout(place(bad)).card.unlink()
    content = shard.read_bytes()
    shard.store.pipe_file(shard.path, content[:-1] + b"?")
    assert sampled(**RUN, out=bad).made == 1
    assert contents(bad) == contents(whole)
