"""Zip and tar files as data: read where they are, and never led elsewhere by a name."""

import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from synthgen.data.archives import ArchiveFiles
from synthgen.data.cache import load_images
from synthgen.data.sources import open_source
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings


def png(value):
    buffer = io.BytesIO()
    Image.new("L", (8, 8), value).save(buffer, "PNG")
    return buffer.getvalue()


def tar(path, members):
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                content = b""
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


WRITE = {"zip": zipped, "tar": tar}


def opened(where, split="train", **settings):
    return open_source(DataSettings.parse({"data": str(where), **settings}), split)


@pytest.mark.parametrize("form", WRITE)
@pytest.mark.parametrize("around", ["", "pets/", "./pets/train/"])
def test_an_archive_of_class_folders_is_read_like_the_folders(form, around, tmp_path):
    members = {f"{around}{name}/{k}.png": png(10 * k) for name in ("cat", "dog") for k in range(3)}
    members[f"{around}__MACOSX/cat/._0.png"] = b"\0\5\x16\7"
    WRITE[form](tmp_path / f"pets.{form}", members)
    before = sorted(tmp_path.rglob("*"))
    for where in (tmp_path / f"pets.{form}", tmp_path):
        given = {"data": str(where), "min_per_class": 1}
        data = load_images(DataSettings.parse(given))
        assert data.classes == ("cat", "dog") and len(data.images) == 6
        assert sorted(data.images[:3, 0, 0, 0].tolist()) == [0, 10, 20]
    assert sorted(tmp_path.rglob("*")) == before, "nothing is unpacked"


def test_a_label_file_in_an_archive_counts(tmp_path):
    members = {f"00000/{k}.png": png(k) for k in range(4)}
    labels = [[name, k % 2] for k, name in enumerate(members)]
    zipped(tmp_path / "x.zip", {**members, "dataset.json": json.dumps({"labels": labels})})
    assert opened(tmp_path / "x.zip").labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("form", WRITE)
@pytest.mark.parametrize(
    "name", ["../up/a.png", "/etc/a.png", "a/../../b.png", "a//b.png", "a\\b.png"]
)
def test_names_that_lead_elsewhere_are_refused(form, name, tmp_path):
    WRITE[form](tmp_path / f"x.{form}", {"cat/0.png": png(1), name: png(2)})
    with pytest.raises(SynthgenError, match="leads elsewhere"):
        opened(tmp_path / f"x.{form}")


def test_links_in_archives_are_refused(tmp_path):
    tar(tmp_path / "x.tar", {"cat/0.png": png(1), "cat/1.png": "/etc/passwd"})
    with pytest.raises(SynthgenError, match="is a link or a device"):
        opened(tmp_path / "x.tar")
    info = zipfile.ZipInfo("cat/1.png")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(SynthgenError, match="is a link or a device"):
        opened(tmp_path / "x.zip")


def test_a_member_that_unpacks_to_very_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("synthgen.data.archives.LARGEST_FILE", 10_000)
    monkeypatch.setattr("synthgen.data.decode.LARGEST_FILE", 10_000)
    zipped(tmp_path / "x.zip", {"cat/0.png": bytes(10**7)})
    given = {"data": str(tmp_path / "x.zip"), "min_per_class": 1}
    with pytest.raises(SynthgenError, match="larger than"):
        load_images(DataSettings.parse(given))


def test_damaged_and_other_archives_are_named(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\3\4" + bytes(50))
    (tmp_path / "b.tar").write_bytes(b"\1" * 2000)
    (tmp_path / "c.tar.gz").write_bytes(b"\x1f\x8b" + bytes(50))
    for name, words in (("a.zip", "cannot be read as an archive"), ("b.tar", "cannot be read"),
                        ("c.tar.gz", "of a kind that is not read; unpack it")):  # fmt: skip
        with pytest.raises(SynthgenError, match=words):
            opened(tmp_path / name)


def samples(count, **more):
    found = {}
    for k in range(count):
        found[f"{k:04d}.png"] = png(k)
        found[f"{k:04d}.cls"] = str(k % 2).encode()
        found[f"{k:04d}.json"] = json.dumps({"kind": "ab"[k % 2], "age": k}).encode()
    return found


def test_webdataset_shards_are_read_split_by_split_with_their_columns(tmp_path):
    tar(tmp_path / "train-00000.tar", samples(4))
    tar(tmp_path / "train-00001.tar", samples(2))
    tar(tmp_path / "test-00000.tar", samples(1))
    source = opened(tmp_path)
    assert source.classes == ("0", "1") and source.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert source.values("age", [3, 5]) == [3, 1]
    assert len(opened(tmp_path, "test").labels) == 1
    assert opened(tmp_path, label_column="kind").classes == ("a", "b")
    (tmp_path / "classes.json").write_text('["dog", "cat"]')
    source = opened(tmp_path)
    assert source.classes == ("dog", "cat") and source.labels.tolist() == [0, 1] * 3
    where = [source.where(row) for row in range(6)]
    assert where[4].endswith("train-00001.tar/0000.png")
    assert next(iter(source.encoded([3])))[0] == png(3)


def test_samples_without_classes_are_told(tmp_path):
    members = {name: c for name, c in samples(4).items() if not name.endswith(".cls")}
    members = {
        n: c if n.endswith("png") else b'{"caption": "x", "url": "y"}' for n, c in members.items()
    }
    tar(tmp_path / "00000.tar", members)
    with pytest.raises(SynthgenError, match=r"WebDataset without classes.*--structure flat"):
        opened(tmp_path)
    assert opened(tmp_path, structure="flat").classes == ("all",)
    assert np.array_equal(opened(tmp_path, structure="flat").labels, np.zeros(4))


def test_a_member_of_another_packing_says_to_unpack(tmp_path):
    """Python's zipfile raises NotImplementedError, a RuntimeError, for packings it lacks."""
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/1.png", b"pixels")
    packed = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = packed.index(mark) + place
        packed[at : at + 2] = (97).to_bytes(2, "little")  # a packing that no Python reads
    path.write_bytes(bytes(packed))
    files = ArchiveFiles(path)
    with zipfile.ZipFile(path) as archive:
        files.members[("cat", "1.png")] = archive.getinfo("cat/1.png")
    assert "packed in a way" in str(files.read(("cat", "1.png")))


@pytest.mark.parametrize("record", ['{"width": 8}', "[1]", "no json"])
def test_class_folders_with_records_beside_their_images_are_no_samples(record, tmp_path):
    members = {}
    for name in ("cat", "dog"):
        for number in range(3):
            members[f"{name}/{number}.png"] = png(number)
            members[f"{name}/{number}.json"] = record.encode()
    tar(tmp_path / "pets.tar", members)
    source = opened(tmp_path / "pets.tar")
    assert source.classes == ("cat", "dog") and source.understood.structure == "classes"
