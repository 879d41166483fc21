"""Exports, read back by the libraries that they are for."""

import csv
import io

import datasets
import numpy as np
import pytest
from PIL import Image

from synthgen.spec.errors import SynthgenError
from synthgen.stages.export import export, folder_name


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
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "files"), split="train")
    assert len(loaded) == 72


@pytest.mark.parametrize(
    ("name", "folder"),
    [("cat", "cat"), ("../up", "0003__up"), ("a/b", "0003_a_b"), ("..", "0003_"), (".", "0003_"),
     ("x" * 9, "x" * 9), ("été", "été"), ("<b>", "0003__b_"), ("-rf", "-rf"), (" a", "0003_a")],
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
