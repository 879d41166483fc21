"""Exports, read back by the libraries that they are for."""

import csv
import io
import json
import os

import datasets
import numpy as np
import pytest
from PIL import Image
from written import stopped_at_file

from synthgen.spec.errors import SynthgenError
from synthgen.stages.finished.class_folders import (
    folder_name,
    folder_names,
    metadata_name,
    table_bytes,
)
from synthgen.stages.finished.export import export


@pytest.fixture
def made(sampled):
    return sampled(n=90, images_per_shard=40, splits={"train": 0.8, "test": 0.2}).root


def rows(root, split):
    return datasets.load_dataset(str(root), split=split)


def test_webdataset_gives_the_same_pixels_labels_and_order(made, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    assert export(made, tmp_path / "tars", "webdataset") == 90
    for split in ("train", "test"):
        shards = sorted(str(path) for path in (tmp_path / "tars").glob(f"{split}-*.tar"))
        assert len(shards) == (2 if split == "train" else 1)
        read = list(webdataset.WebDataset(shards, shardshuffle=False))
        wanted = rows(made, split)
        assert len(read) == len(wanted)
        for item, row in zip(read, wanted, strict=True):
            pixels = np.asarray(Image.open(io.BytesIO(item["png"])))
            assert np.array_equal(pixels, np.asarray(row["image"]))
            assert int(item["cls"]) == row["label"]


def test_image_folders_give_the_same_pixels_and_labels(made, tmp_path):
    export(made, tmp_path / "files", "imagefolder")
    for split in ("train", "test"):
        wanted = rows(made, split)
        with (tmp_path / "files" / split / "metadata.csv").open() as file:
            table = list(csv.DictReader(file))
        names = wanted.features["label"].names
        assert [line["label"] for line in table] == [names[label] for label in wanted["label"]]
        for line, row in zip(table, wanted, strict=True):
            pixels = np.asarray(Image.open(tmp_path / "files" / split / line["file_name"]))
            assert np.array_equal(pixels, np.asarray(row["image"]))
            assert int(line["candidate"]) == row["candidate"]
        loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "files"), split=split)
        assert list(loaded["label"]) == [names[label] for label in wanted["label"]]
        assert list(loaded["candidate"]) == list(wanted["candidate"])
        for mine, row in zip(loaded, wanted, strict=True):
            assert np.array_equal(np.asarray(mine["image"]), np.asarray(row["image"]))


@pytest.mark.parametrize(
    ("name", "folder"),
    [("cat", "cat"), ("../up", "0003__up"), ("a/b", "0003_a_b"), ("..", "0003_"), (".", "0003_"),
     ("x" * 9, "x" * 9), ("été", "été"), ("<b>", "0003__b_"), ("-rf", "-rf"), (" a", "0003_a"),
     ("metadata.csv", "0003_metadata.csv"), ("y" * 300, "0003_" + "y" * 95),
     ("é" * 99, "0003_" + "é" * 47)],
)  # fmt: skip
def test_a_class_name_never_leaves_its_folder(name, folder):
    assert folder_name(3, name) == folder
    assert "/" not in folder and folder not in (".", "..", "")


def test_mistakes_are_told_and_nothing_is_left(made, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    with pytest.raises(SynthgenError, match="exists already"):
        export(made, tmp_path / "there", "imagefolder")
    with pytest.raises(SynthgenError, match="is no finished"):
        export(tmp_path, tmp_path / "new", "imagefolder")

    def full(*rest, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SynthgenError, match="the disk is full"):
        export(made, tmp_path / "new", "imagefolder")
    assert sorted(tmp_path.iterdir()) == before


def test_an_export_that_was_stopped_goes_on(made, tmp_path, monkeypatch):
    for form in ("webdataset", "imagefolder"):
        export(made, tmp_path / f"whole-{form}", form)
        out = tmp_path / form
        with stopped_at_file(monkeypatch, 4) as written:
            export(made, out, form)
        assert not out.exists() and (tmp_path / f".{form}.partial").is_dir()
        before = {path: path.stat().st_mtime_ns for path in written[1:3]}
        export(made, out, form)
        assert files(out) == files(tmp_path / f"whole-{form}")
        for path, changed in before.items():
            now = out / path.relative_to(tmp_path / f".{form}.partial")
            assert now.stat().st_mtime_ns == changed
        assert not list(tmp_path.glob(".*"))


def test_what_another_export_left_is_not_mixed_in(made, sampled, tmp_path):
    other = sampled(n=60, images_per_shard=40, seed=4, out=str(tmp_path / "other")).root
    partial = tmp_path / ".files.partial" / "train"
    partial.mkdir(parents=True)
    (partial.parent / ".synthgen").write_text("of another dataset")
    (partial / "stray.png").write_bytes(b"x")
    export(other, tmp_path / "files", "imagefolder")
    assert not (tmp_path / "files" / "train" / "stray.png").exists()


def test_rejects_stay_at_home(sampled, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("label_agreement: {min: 0.5}\n")
    root = sampled(n=40, filters=str(rules), keep_rejects=True).root
    assert list((root / "rejects").iterdir())
    assert export(root, tmp_path / "tars", "webdataset") == 40
    assert [path.name for path in (tmp_path / "tars").glob("*.tar")] == ["train-00000.tar"]


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_names_of_classes_come_back_from_the_csv(made, tmp_path):
    """Commas, quotes, line breaks and formulas are data."""
    manifest = made / "manifest.json"
    evil = ['=1+1,"x"', "two\nlines", "../../up"]
    record = json.loads(manifest.read_text())
    record["plan"]["classes"] = evil
    manifest.write_text(json.dumps(record))
    export(made, tmp_path / "files", "imagefolder")
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "files"), split="test")
    assert set(loaded["label"]) == set(evil)
    assert all((tmp_path / "files") in path.parents for path in (tmp_path).rglob("0*.png"))


def test_two_exports_into_one_folder_do_not_meet(made, tmp_path):
    import fcntl

    partial = tmp_path / ".new.partial"
    partial.mkdir()
    holder = os.open(partial, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(SynthgenError, match="another process is exporting"):
            export(made, tmp_path / "new", "webdataset")
    finally:
        os.close(holder)
    assert export(made, tmp_path / "new", "webdataset") == 90


NAMES = ["NA", "007", "con", "Cat", "cat", "\u0939\u093f\u0928\u094d\u0926\u0940", "T - shirt / top",
         "salt, pepper", "1e3", "2020-01-02", "true", "caf\u00e9"]  # fmt: skip


@pytest.mark.parametrize("pair", list(zip(NAMES, NAMES[1:] + NAMES[:1], strict=True)), ids=str)
def test_any_name_is_exported_to_a_safe_folder_and_comes_back(pair, tmp_path):
    folders = folder_names([*pair, "dog"])
    assert len({name.casefold() for name in folders}) == 3
    assert all("/" not in name and not name.lower().startswith("con") for name in folders)
    name = metadata_name([*pair, "dog"])
    records = []
    for folder, label in zip(folders, [*pair, "dog"], strict=True):
        (tmp_path / "train" / folder).mkdir(parents=True)
        for number in range(2):
            Image.new("L", (8, 8), number).save(tmp_path / "train" / folder / f"{number}.png")
            records.append({"file_name": f"{folder}/{number}.png", "label": label})
    (tmp_path / "train" / name).write_bytes(table_bytes(records, name))
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path), split="train")
    assert set(loaded["label"]) == {*pair, "dog"}
    from synthgen.data.sources import open_source
    from synthgen.spec.settings.data import DataSettings

    mine = open_source(DataSettings.parse({"data": str(tmp_path)}), "train")
    assert set(mine.classes) == {*pair, "dog"} and len(mine.labels) == 6


def test_plain_names_keep_their_folders():
    names = ["cat", "\u0939\u093f\u0928\u094d\u0926\u0940", "\u72ac", "golden retriever"]
    assert folder_names(names) == names and metadata_name(names) == "metadata.csv"
