"""Publishing to an S3-compatible server on this machine, and to a store that is slow and fails."""

from pathlib import Path

import datasets
import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from synthgen.spec.errors import SynthgenError
from synthgen.stages.publish.stage import publish
from synthgen.storage import checksum, retry


def rows(path, **options):
    loaded = datasets.load_dataset(str(path), split="train", **options)
    return list(loaded.cast_column("image", datasets.Image(decode=False)))


def test_checksums_that_stores_keep(s3, tmp_path, monkeypatch):
    monkeypatch.setattr(checksum, "S3_PART", 5 * 2**20)
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 2**16)
    s3.put_file(str(path), "datasets/parts", chunksize=5 * 2**20)
    s3.invalidate_cache()
    assert checksum.stored_md5(s3.info("datasets/parts")) == checksum.md5(path, parts=True)
    s3.rm_file("datasets/parts")
    assert checksum.stored_md5({"ETag": '"an opaque one"'}) is None
    assert (
        checksum.stored_md5({"md5Hash": "1B2M2Y8AsgTpgAmY7PhCfg=="})
        == "d41d8cd98f00b204e9800998ecf8427e"
    )


def test_a_round_trip_over_s3(s3, sampled, tmp_path, monkeypatch):
    first = sampled(n=60, images_per_shard=25)
    assert publish(first.root, "s3://datasets/digits") == "s3://datasets/digits"
    s3.invalidate_cache()
    assert not [name for name in s3.find("datasets") if name.endswith(".part")]
    s3.get("datasets/digits/", str(tmp_path / "back") + "/", recursive=True)
    assert rows(tmp_path / "back") == rows(first.root)  # same bytes, labels and order
    for path in sorted((first.root / "data").iterdir()):
        assert s3.cat(f"datasets/digits/data/{path.name}") == path.read_bytes()
    everything = b"".join(s3.cat(name) for name in s3.find("datasets"))
    assert b"a-secret" not in everything and b"a-key" not in everything
    # A shard of the same size and other content is sent again, by its ETag, and nothing else.
    before = {name: s3.info(name)["LastModified"] for name in s3.find("datasets")}
    name = "datasets/digits/data/train-00001.parquet"
    content = s3.cat(name)
    s3.pipe_file(name, content[:-1] + b"x")
    with monkeypatch.context() as patch:  # nothing is read back to find out
        patch.setattr(type(s3), "cat_file", None)
        publish(first.root, "s3://datasets/digits")
    s3.invalidate_cache()
    assert s3.cat(name) == content
    after = {name: s3.info(name)["LastModified"] for name in s3.find("datasets")}
    changed = {path.rpartition("/")[2] for path in after if after[path] != before[path]}
    assert changed <= {"train-00001.parquet", "README.md"}
    # A bucket that is not there is one line.
    with pytest.raises(SynthgenError, match="bucket"):
        publish(first.root, "s3://no-such-bucket/digits")


class Flaky(MemoryFileSystem):
    """Fails on every other transfer, and once leaves half of a file."""

    protocol = ("flaky",)
    store, pseudo_dirs, calls = {}, [""], 0
    cachable = False

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.removeprefix("flaky:/"))

    def put_file(self, lpath, rpath, **options):
        type(self).calls += 1
        content = Path(lpath).read_bytes()
        if self.calls == 2:
            self.pipe_file(rpath, content[: len(content) // 2])
            return
        if self.calls % 2:
            raise ConnectionError("reset by peer, asked with ?X-Amz-Signature=abc")
        self.pipe_file(rpath, content)


@pytest.fixture
def flaky(monkeypatch):
    fsspec.register_implementation("flaky", Flaky, clobber=True)
    monkeypatch.setattr(Flaky, "store", {})
    monkeypatch.setattr(Flaky, "calls", 0)
    waits = []
    monkeypatch.setattr(retry.time, "sleep", waits.append)
    return waits


def test_a_store_that_fails_is_tried_again_with_longer_waits(flaky, sampled):
    first = sampled(n=40, images_per_shard=20)
    publish(first.root, "flaky://bucket/digits")
    store = Flaky()
    for path in sorted((first.root / "data").iterdir()):
        assert store.cat(f"/bucket/digits/data/{path.name}") == path.read_bytes()
    assert flaky[:3] == [0.5, 1.0, 2.0]  # failed, half arrived, failed: then it went through
    assert store.exists("/bucket/digits/README.md")


def test_a_store_that_stays_down_leaves_no_card(flaky, sampled, monkeypatch):
    first = sampled(n=20)

    def refuse(self, lpath, rpath, **options):
        raise ConnectionError("https://me:secret@host/x?sig=abc is down")

    monkeypatch.setattr(Flaky, "put_file", refuse)
    with pytest.raises(SynthgenError, match="the same again goes on") as fault:
        publish(first.root, "flaky://bucket/digits")
    assert "secret" not in str(fault.value) and "abc" not in str(fault.value)
    assert len(flaky) == retry.TRIES - 1
    assert not Flaky().exists("/bucket/digits/README.md")
