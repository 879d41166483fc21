"""Names of classes and of files: kept as they are, matched in either spelling, or refused."""

import os

import numpy as np
import pytest
from PIL import Image
from synthgen.spec.condition import ClassCondition

from synthgen.cli.options import listed
from synthgen.data.cache import load_images
from synthgen.data.sources import open_source
from synthgen.dataset.layout import load_line
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.storage.place import place


def classes_in(folder, *names):
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(2):
            Image.new("RGB", (8, 8), (number, 9, 9)).save(folder / name / f"{number}.png")


def opened(folder):
    return open_source(DataSettings.parse({"data": str(folder)}), "train")


def test_file_names_that_are_not_utf_8_are_read_and_said(tmp_path):
    classes_in(tmp_path, "cat", "dog")
    name = os.fsencode(tmp_path / "cat") + b"/caf\xe9.png"
    os.rename(tmp_path / "cat" / "0.png", name)
    given = {"data": str(tmp_path), "min_per_class": 1}
    data = load_images(DataSettings.parse(given))
    assert len(data.images) == 4
    with open(name, "wb") as file:
        file.write(b"nonsense")
    with pytest.raises(SynthgenError, match=r"caf\\xe9.png: not an image") as fault:
        load_images(DataSettings.parse(given))
    str(fault.value).encode()
    os.rename(tmp_path / "dog", os.fsencode(tmp_path) + b"/ch\xeen")
    with pytest.raises(SynthgenError, match=r"ch\\xeen' is not written in UTF-8; rename it"):
        opened(tmp_path)


def test_composed_and_decomposed_names_are_one(tmp_path):
    import unicodedata

    apart = unicodedata.normalize("NFD", "caf\u00e9")
    classes_in(tmp_path, apart, "dog")
    data = load_images(DataSettings.parse({
        "data": str(tmp_path), "min_per_class": 1, "classes": ("caf\u00e9",)}))  # fmt: skip
    assert data.classes == ("caf\u00e9",) and len(data.images) == 2
    classes_in(tmp_path, "caf\u00e9")
    source = opened(tmp_path)
    assert source.classes == ("caf\u00e9", "dog") and np.bincount(source.labels).tolist() == [4, 2]


@pytest.mark.parametrize(
    "name", ["NA", "007", "con", "no", " cat", "T - shirt", "a,b", "\u0939\u093f"]
)
def test_any_name_that_is_not_blank_is_a_class(name, tmp_path):
    classes_in(tmp_path, name, "Cat", "cat")
    assert set(opened(tmp_path).classes) == {name, "Cat", "cat"}


def test_a_second_spelling_is_matched_and_a_name_twice_is_told():
    known = ClassCondition(("caf\u00e9", "cafe\u0301 noir", "dog"))
    assert known.indices(("cafe\u0301", "caf\u00e9 noir"), "x") == (0, 1)
    with pytest.raises(SynthgenError, match="asked for twice"):
        known.indices(("caf\u00e9", "cafe\u0301"), "x")


@pytest.mark.parametrize(
    ("text", "names"),
    [("cat,dog", ("cat", "dog")), (" cat , dog ,", ("cat", "dog")), ("007,NA", ("007", "NA")),
     ('"salt, pepper",dog', ("salt, pepper", "dog")), ('" cat",x', (" cat", "x")),
     ("it's,12\" nail", ("it's", '12" nail')), ("a b,c", ("a b", "c"))],
)  # fmt: skip
def test_names_on_the_command_line(text, names):
    assert listed(text) == names


@pytest.mark.parametrize(
    ("classes", "words"),
    [([False, True], "put a name in quotes"), ([7, 8], "put a name in quotes"),
     ("cat,dog", r"write a list: \[cat, dog\]")],
)  # fmt: skip
def test_what_yaml_takes_for_something_else_is_told(classes, words):
    with pytest.raises(SynthgenError, match=words):
        SampleSettings.parse({"classes": classes, "n": 4})


@pytest.mark.parametrize("name", ["a [b]", "what?", "x*", "plain", "parquet"])
def test_the_line_that_loads_a_dataset_loads_it_from_anywhere(name, tmp_path, monkeypatch):
    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

    for folder, value in ((name, 1), ("a b", 2), ("xyz", 2), ("whatx", 2)):
        (tmp_path / folder / "data").mkdir(parents=True)
        table = pa.table({"x": [value]})
        pq.write_table(table, tmp_path / folder / "data" / "train-00000.parquet")
    monkeypatch.chdir(tmp_path)
    line = load_line(place(name), ["train"]).removeprefix("load it: ")
    monkeypatch.chdir("/")
    assert eval(line, {"datasets": datasets})["train"]["x"][:] == [1]


def test_a_tilde_is_the_home_folder_only_at_the_beginning(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert place("~/x") == tmp_path / "home" / "x"
    assert place("./~/x") == tmp_path / "~" / "x"
    assert str(place("a~/~")) == "a~/~"
    assert place("~nobody-of-this-name/x") == tmp_path / "~nobody-of-this-name" / "x"
