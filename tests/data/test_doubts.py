"""Folders of which it is not plain what they are: told, noted, or refused with the options."""

import json
import os

import pytest
from PIL import Image

from synthgen.data.cache import load_images
from synthgen.data.sources import open_source
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings


def picture(folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (9, 9, 9)).save(folder / name)


def classes_in(folder, *names):
    for name in names or ("cat", "dog"):
        for number in range(2):
            picture(folder / name, f"{number}.png")


def opened(folder, **settings):
    return open_source(DataSettings.parse({"data": str(folder), **settings}), "train")


def refused(folder, words):
    with pytest.raises(SynthgenError, match=words) as caught:
        opened(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", [("fold1", "fold2"), ("part_01", "part_02"), ("Set 1", "Set 2")])
def test_numbered_portions_of_one_set_are_no_classes(names, tmp_path):
    for name in names:
        classes_in(tmp_path / name)
    refused(tmp_path, "classes, or portions of one set.*--structure classes")
    assert opened(tmp_path, structure="classes").classes == names


def test_images_of_deeper_folders_that_are_read_together_are_said(tmp_path):
    for name in ("cat", "dog"):
        for time in ("day", "night"):
            picture(tmp_path / name / time, "0.png")
    source = opened(tmp_path)
    assert source.classes == ("cat", "dog") and len(source.labels) == 4
    assert "(day, night) are read together" in "\n".join(source.understood.notes)


def test_splits_of_other_classes_are_said(tmp_path):
    classes_in(tmp_path / "train")
    classes_in(tmp_path / "test", "unknown")
    assert "do not have the same classes: cat, dog, unknown" in "\n".join(
        opened(tmp_path).understood.notes
    )
    classes_in(tmp_path / "test", "cat", "dog")
    (tmp_path / "test" / "unknown").rename(tmp_path / "unknown")
    assert not opened(tmp_path).understood.notes


@pytest.mark.parametrize("where", ["cat", "."])
def test_a_link_to_itself_is_told(where, tmp_path):
    classes_in(tmp_path)
    os.symlink("round.png", tmp_path / where / "round.png")
    given = {"data": str(tmp_path), "min_per_class": 1}
    if where == ".":
        assert len(load_images(DataSettings.parse(given)).images) == 4
        return
    with pytest.raises(SynthgenError, match=r"round.png: is a link that leads to itself"):
        load_images(DataSettings.parse(given))


@pytest.mark.parametrize("name", ["jpg", "PNG", "images"])
def test_a_folder_named_for_its_files_is_no_class(name, tmp_path):
    picture(tmp_path / name, "0.png")
    refused(tmp_path, f"'{name}' name a class.*--structure flat")


def test_labels_of_labelme_are_named(tmp_path):
    for number in range(3):
        picture(tmp_path, f"{number}.png")
        record = {"version": "5", "shapes": [], "imagePath": f"{number}.png"}
        (tmp_path / f"{number}.json").write_text(json.dumps(record))
    refused(tmp_path, "LabelMe.*--structure flat")
