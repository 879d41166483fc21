"""Data sets in forms that are not read are named, with what to do; nothing is ever unpickled."""

import gzip
import io
import os
import pickle
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from synthgen.data.sources import open_source
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings


def opened(path, **settings):
    return open_source(DataSettings.parse({"data": str(path), **settings}), "train")


def refused(path, words, **settings):
    with pytest.raises(SynthgenError, match=words) as caught:
        opened(path, **settings)
    assert "\n" not in str(caught.value)


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


FORMS = [
    ("train-images-idx3-ubyte", "MNIST's form.*torchvision"),
    ("train-images-idx3-ubyte.gz", "MNIST's form.*torchvision"),
    ("data_batch_1", "CIFAR's form, which is never opened"),
    ("data_batch_1.bin", "binary file of CIFAR's"),
    ("data.pkl", "pickle, which is never opened"),
    ("train.pt", "PyTorch, which may be a pickle"),
    ("mnist.npz", "NumPy arrays; load it with numpy.load"),
    ("x_train.npy", "NumPy arrays"),
    ("train_32x32.mat", "MATLAB; load it with scipy"),
    ("data.h5", "HDF5 file; open it with h5py"),
    ("train.tfrecord-00000-of-00002", "TFRecord file"),
    ("data.mdb", "LMDB database"),
    ("train.rec", "RecordIO"),
    ("train.beton", "FFCV"),
    ("labels.xlsx", "spreadsheet.*save it as CSV"),
    ("film.mp4", "a video; take frames"),
]


@pytest.mark.parametrize(("name", "words"), FORMS)
@pytest.mark.parametrize("inside", ["", "cat", "raw/data"])
def test_a_file_of_another_form_is_named(name, words, inside, tmp_path):
    mark = tmp_path / "mark"
    folder = tmp_path / "data"
    (folder / inside).mkdir(parents=True)
    (folder / inside / name).write_bytes(pickle.dumps(Bomb(mark)))
    refused(folder, words)
    refused(folder / inside / name, words)
    assert not mark.exists()


def test_files_of_other_forms_beside_images_are_said(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "0.png")
    for name in ("features.npy", "cat/README", "LICENSE", "Makefile"):
        (tmp_path / name).write_bytes(b"x")
    source = opened(tmp_path)
    assert len(source.labels) == 2
    left_out = [(each.count, each.what) for each in source.understood.left_out]
    assert left_out == [(1, "files")]  # the array; a README is no finding


@pytest.mark.parametrize("name", ["mnist_train.csv", "fer2013.csv", "labels.csv"])
def test_tables_of_text_without_images_are_told(name, tmp_path):
    pixels = {"mnist_train.csv": ",".join(["0"] * 64), "fer2013.csv": " ".join(["70"] * 64)}
    row = f"5,{pixels.get(name, 'gone.png')}"
    (tmp_path / name).write_text(f"label,pixels\n{row}\n{row}\n")
    words = "a table without its images" if name == "labels.csv" else "pixels of images as text"
    refused(tmp_path, words)
    refused(tmp_path / name, words)


def encoded(kind):
    array = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    buffer = io.BytesIO()
    if kind == "npy":
        np.save(buffer, array)
    elif kind == "pickle":
        return pickle.dumps(array)
    elif kind == "raw":
        return array.tobytes()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (encoded("npy"), "holds NumPy arrays"),
        (encoded("pickle"), "holds pickles, which are never opened"),
        (encoded("raw"), "holds bytes that are no image file"),
        (gzip.compress(b"x", mtime=0), "format gzip is not read"),
        ("iVBORw0KGgo" * 12, "text in base64"),
        ("data:image/png;base64," + "iVBORw0KGgo" * 12, "text in base64"),
        ("https://example.com/1.png", "web addresses, which are not fetched"),
        ([[[1, 2, 3]] * 8] * 8, "lists of numbers"),
        (list(range(64)), "lists of numbers"),
    ],
)
def test_what_a_table_holds_in_the_place_of_images_is_told(cell, words, tmp_path):
    pq.write_table(
        pa.table({"image": [cell] * 3, "label": ["a", "b", "a"]}), tmp_path / "0.parquet"
    )
    refused(tmp_path, words)
    refused(tmp_path, words, image_column="image")


def test_columns_of_pixels_are_told(tmp_path):
    pixels = {f"pixel{k}": [0, 1] for k in range(64)}
    pq.write_table(pa.table({"label": [0, 1], **pixels}), tmp_path / "0.parquet")
    refused(tmp_path, "65 columns of numbers look like pixels")


@pytest.mark.parametrize("inner", ["cat.zip", "train.tar.gz", "train.parquet"])
def test_archives_of_archives_and_of_tables_say_to_unpack(inner, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr(f"data/{inner}", b"x")
    refused(tmp_path / "all.zip", "unpack it")


@pytest.mark.parametrize(
    ("data", "words"),
    [("", "is empty; name a folder"), ("  ", "is empty"),
     ("https://example.com/data.zip", "web address.*download it"),
     ("HTTP://example.com/data", "web address")],
)  # fmt: skip
def test_data_that_is_no_place_is_told(data, words):
    refused(data, words)
