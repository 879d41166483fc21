"""Places: a path or a store, in the same words."""

import io
import pickle
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import lies_in, place
from synthgen.storage.store_path import StoreError, StorePath
from synthgen.storage.tables import BadTable, open_parquet, read_table
from synthgen.storage.transfer import (
    copy_whole,
    fetch,
    files_below,
    local_copy,
    put_whole,
    remove_folder,
)


@pytest.fixture(autouse=True)
def _empty(monkeypatch):
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    monkeypatch.setattr("synthgen.storage.retry.FIRST_WAIT", 0.0)


@pytest.mark.parametrize("where", ["memory://a/b", "local"])
def test_a_folder_reads_the_same_wherever_it_is(where, tmp_path):
    root = place(where if "://" in where else str(tmp_path / where))
    source = tmp_path / "source"
    source.write_bytes(b"hello")
    for name in ("one.txt", "below/two.txt"):
        copy_whole(source, root / name)
    assert files_below(root) == ["below/two.txt", "one.txt"]
    assert [entry.name for entry in sorted(root.iterdir(), key=str)] == ["below", "one.txt"]
    file = root / "one.txt"
    assert file.is_file() and not file.is_dir() and file.exists() and root.is_dir()
    assert (file.name, file.suffix, file.parent.name) == ("one.txt", ".txt", root.name)
    assert file.read_bytes() == b"hello" and file.read_text(encoding="utf-8") == "hello"
    assert file.stat().st_size == 5 and not (root / "none").exists()
    with file.open("rb") as stream:
        assert stream.read(2) == b"he" and stream.seek(-1, io.SEEK_END) == 4
        assert stream.read() == b"o"
    with local_copy(file) as copy:
        assert copy.read_bytes() == b"hello"
    file.unlink()
    file.unlink(missing_ok=True)
    for missing in (file.unlink, file.stat, file.read_bytes):
        with pytest.raises(FileNotFoundError):
            missing()
    remove_folder(root)
    assert files_below(root) == [] and source.exists()


def test_a_path_on_a_store_travels_to_other_processes():
    path = place("memory://a/b") / "c"
    assert pickle.loads(pickle.dumps(path)) == path


def test_what_a_path_says_has_no_credentials():
    path = place("s3://KEY:se/cr%2Bet@bucket/pets/")
    assert isinstance(path, StorePath) and str(path / "x") == "s3://***@bucket/pets/x"
    assert path.path == "bucket/pets"
    assert (path.store.key, path.store.secret) == ("KEY", "se/cr+et")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nosuch://x", "nosuch"),
        ("s3://KEY:secret@bucket/a?X-Amz-Signature=abc", "no '\\?'"),
        ("gs://bucket/x", r"pip install 'synthgen\[gcs\]'"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_line(where, said, monkeypatch):
    def missing(url, **options):
        raise ImportError("gcsfs")

    if where.startswith("gs"):
        monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(SynthgenError, match=said) as fault:
        place(where)
    assert "secret" not in str(fault.value) and "abc" not in str(fault.value)


def test_missing_credentials_and_buckets_are_not_waited_for(s3, tmp_path, monkeypatch):
    def never(seconds):
        raise AssertionError("waited")

    monkeypatch.setattr("synthgen.storage.retry.time.sleep", never)
    (tmp_path / "x").write_text("x")
    with pytest.raises(StoreError, match="no-such-bucket/x: there is no such bucket"):
        put_whole(tmp_path / "x", place("s3://no-such-bucket/x"))

    class NoCredentialsError(Exception):
        pass

    def refused(self, path, **rest):
        raise NoCredentialsError("Unable to locate credentials")

    monkeypatch.setattr(MemoryFileSystem, "info", refused)
    with pytest.raises(StoreError, match=r"no permission .*; check the credentials"):
        place("memory://a/x").exists()


def test_a_file_url_is_a_path():
    assert place("file:///tmp/x") == Path("/tmp/x") == place("/tmp/x")


def test_a_store_that_keeps_half_is_found_out(tmp_path, monkeypatch):
    source, path = tmp_path / "file", place("memory://a/file")
    source.write_bytes(b"0123456789")
    tries = []

    def half(self, lpath, rpath, **rest):
        tries.append(rpath)
        self.pipe_file(rpath, b"01234")

    monkeypatch.setattr(MemoryFileSystem, "put_file", half)
    with pytest.raises(StoreError, match="5 bytes arrived of 10"):
        put_whole(source, path)
    assert len(tries) == 5
    assert not path.exists()  # what grew lies beside
    path.store.pipe_file(path.path, b"0123456789")
    monkeypatch.setattr(
        MemoryFileSystem, "get_file", lambda self, remote, local: Path(local).write_bytes(b"0")
    )
    with pytest.raises(StoreError, match="1 bytes arrived of 10"):
        fetch(path, tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("inner", "folder", "wanted"),
    [
        ("a/b", "a", True), ("a", "a", True), ("ab", "a", False), ("a", "a/b", False),
        ("a/../c", "a", False), ("memory://a/b/", "memory://a", True),
        ("memory://ab", "memory://a", False), ("memory://a", "a", False),
    ],
)  # fmt: skip
def test_a_folder_lies_in_itself_and_in_those_above_it(inner, folder, wanted):
    assert lies_in(place(inner), place(folder)) is wanted


def test_columns_of_a_table_are_read_without_the_rest(tmp_path, monkeypatch):
    table = pa.table({"small": list(range(1000)), "large": [bytes(3000)] * 1000})
    pq.write_table(table, tmp_path / "t", use_dictionary=False, compression="none")
    path = place("memory://a/t")
    put_whole(tmp_path / "t", path)
    read = []
    real = MemoryFileSystem.cat_file

    def noting(self, where, start=None, end=None, **rest):
        read.append(end - start)
        return real(self, where, start=start, end=end, **rest)

    monkeypatch.setattr(MemoryFileSystem, "cat_file", noting)
    assert read_table(path, ["small"]).column("small").to_pylist() == list(range(1000))
    assert sum(read) < 2_500_000 < path.stat().st_size
    with open_parquet(path) as found:
        assert found.read().equals(table)
    with pytest.raises(BadTable, match="not a readable Parquet file"):
        path.store.pipe_file(path.path, b"no table at all")
        read_table(path)
