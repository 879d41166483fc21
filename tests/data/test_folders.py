"""What a folder means: classes, splits, a label file; and where it is not plain, that it stops."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from synthgen.data.cache import load_images
from synthgen.data.sources import open_source
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings

COLOURS = {"cat": (200, 30, 30), "dog": (30, 200, 30), "owl": (30, 30, 200)}


def picture(folder, name, colour="cat"):
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), COLOURS.get(colour, (9, 9, 9))).save(folder / name)


def classes_in(folder, *names, count=2):
    for name in names or ("cat", "dog"):
        for number in range(count):
            picture(folder / name, f"{number}.png", name)


def opened(folder, split="train", **settings):
    return open_source(DataSettings.parse({"data": str(folder), **settings}), split)


def refused(folder, words, split="train", **settings):
    with pytest.raises(SynthgenError, match=words) as caught:
        opened(folder, split, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("train", "test"),
    [("TRAIN", "TEST"), ("training_set", "test_set"), ("seg_train", "seg_test"),
     ("train_images", "val_images"), ("images-train", "images-test"), ("TrainSet", "TestSet"),
     ("train2017", "val2017"), ("Training Data", "Validation Data")],
)  # fmt: skip
def test_splits_are_told_by_any_usual_name(train, test, tmp_path):
    classes_in(tmp_path / train)
    classes_in(tmp_path / test, count=1)
    source = opened(tmp_path)
    assert source.classes == ("cat", "dog") and len(source.labels) == 4
    assert source.understood.split == train and set(source.understood.splits) == {train, test}
    other = "test" if "est" in test.lower() else "validation"
    assert len(opened(tmp_path, other).labels) == 2
    assert len(opened(tmp_path, test).labels) == 2


def test_folders_beside_those_of_splits_are_left_out_and_said(tmp_path):
    for name in ("train", "valid", "unlabelled"):
        classes_in(tmp_path / name)
    picture(tmp_path / "sample", "0.png")
    source = opened(tmp_path)
    assert source.classes == ("cat", "dog")
    said = "\n".join(source.understood.lines())
    assert "2 folders (beside those of the splits)" in said


def test_a_class_may_be_called_train(tmp_path):
    classes_in(tmp_path, "train", "car", "bus")
    assert opened(tmp_path).classes == ("bus", "car", "train")
    (tmp_path / "train" / "night").mkdir()
    for number in range(4):
        picture(tmp_path / "train" / "night", f"{number}.png")
    refused(tmp_path, "a split or a class.*--structure splits.*--structure classes")
    assert opened(tmp_path, structure="classes").classes == ("bus", "car", "train")
    assert opened(tmp_path, structure="splits").classes == ("night",)


def test_splits_inside_of_class_folders_are_not_mixed(tmp_path):
    for name in ("cat", "dog"):
        picture(tmp_path / name / "train", "a.png", name)
        picture(tmp_path / name / "test", "b.png", name)
    source = opened(tmp_path)
    assert source.classes == ("cat", "dog") and len(source.labels) == 2
    assert all("train" in source.where(row) for row in range(2))


@pytest.mark.parametrize("around", [("PetImages",), ("archive", "Pets v2"), ("pets", "pets")])
def test_folders_around_the_classes_are_gone_through_and_said(around, tmp_path):
    classes_in(tmp_path.joinpath(*around), "cat", "dog", "owl")
    source = opened(tmp_path)
    assert source.classes == ("cat", "dog", "owl")
    assert f"'{around[0]}' is taken for a folder around" in "\n".join(source.understood.notes)
    one = opened(tmp_path, structure="classes")
    assert one.classes == (around[0],) and len(one.labels) == 6


@pytest.mark.parametrize("name", ["00000", "images", "img"])
def test_a_label_file_beside_a_folder_that_is_no_class(name, tmp_path):
    for number in range(4):
        picture(tmp_path / name, f"{number}.png")
    labels = [[f"{name}/{number}.png", number % 2] for number in range(4)]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    source = opened(tmp_path)
    assert source.classes == ("0", "1") and source.labels.tolist() == [0, 1, 0, 1]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": None}))
    refused(tmp_path, "--structure flat")


FORMS = {
    "metadata.csv": "file_name,label,age\nimg/0.png,cat,3\nimg/1.png,NA,4\nimg/2.png,007,5\n",
    "labels.csv": "id,breed\n0,cat\n1,NA\n2,007\n",
    "labels.tsv": "filename\tclass\n0.png\tcat\n1.png\tNA\n2.png\t007\n",
    "train.csv": "0.png;cat\n1.png;NA\n2.png;007\n",
    "metadata.jsonl": "\n".join(
        json.dumps({"file_name": f"img/{n}.png", "label": label})
        for n, label in enumerate(("cat", "NA", "007"))
    ),
    "labels.json": json.dumps(
        {"classes": ["007", "NA", "cat"], "labels": {"0": 2, "1": 1, "2": 0}}
    ),
    "annotations.json": json.dumps({"0.png": "cat", "1.png": "NA", "2.png": "007"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_label_files_in_use_are_read_word_for_word(form, tmp_path):
    for number in range(3):
        picture(tmp_path / "img", f"{number}.png")
    (tmp_path / form).write_text(FORMS[form])
    source = opened(tmp_path)
    assert source.classes == ("007", "NA", "cat") and source.labels.tolist() == [2, 1, 0]
    if form == "metadata.csv":
        assert [(c.name, c.kind) for c in source.understood.columns] == [
            ("label", "text"), ("age", "whole number")
        ]  # fmt: skip
        assert source.values("age", [2, 0]) == ["5", "3"]


def test_what_a_label_file_lacks_and_what_the_folder_lacks_is_said(tmp_path):
    for number in range(4):
        picture(tmp_path, f"{number}.png")
    (tmp_path / "labels.csv").write_text("file,label\n0.png,a\n1.png,b\n2.png,a\ngone.png,b\n")
    source = opened(tmp_path)
    assert "1 images (without a label in the label file)" in "\n".join(source.understood.lines())
    with pytest.raises(SynthgenError, match=r"gone.png: is missing"):
        load_images(DataSettings.parse({"data": str(tmp_path), "min_per_class": 1}))
    (tmp_path / "labels.csv").write_text("file,label\n0.png,a\n1.png,\n2.png,a\n")
    refused(tmp_path, "row 2: column 'label' is empty")
    (tmp_path / "labels.csv").write_text("file,label\n0.png,0\n1.png,-1\n2.png,1\n")
    refused(tmp_path, "1 rows have the label -1.*--classes 0,1")
    assert opened(tmp_path, classes=("0", "1")).classes == ("-1", "0", "1")
    (tmp_path / "labels.csv").write_text("file,size,colour\n0.png,1,r\n1.png,2,r\n2.png,2,b\n")
    refused(tmp_path, "which of the columns size, colour.*--label-column")
    assert opened(tmp_path, label_column="colour").classes == ("b", "r")


def test_class_folders_and_a_label_file_that_contradict_each_other_stop(tmp_path):
    classes_in(tmp_path)
    (tmp_path / "metadata.csv").write_text(
        "file_name,label\ncat/0.png,felis\ncat/1.png,felis\ndog/0.png,canis\ndog/1.png,canis\n"
    )
    assert opened(tmp_path).classes == ("canis", "felis")
    (tmp_path / "metadata.csv").write_text(
        "file_name,label\ncat/0.png,young\ncat/1.png,old\ndog/0.png,young\ndog/1.png,old\n"
    )
    refused(tmp_path, "--structure classes or --structure labels")
    assert opened(tmp_path, structure="classes").classes == ("cat", "dog")
    assert opened(tmp_path, structure="labels").classes == ("old", "young")


def test_a_flat_folder_is_one_class_where_that_is_asked_for(tmp_path):
    for number in range(12):
        picture(tmp_path, f"{number}.png")
    refused(tmp_path, "12 files but no class folders.*--structure flat")
    data = load_images(DataSettings.parse({"data": str(tmp_path), "structure": "flat"}))
    assert data.classes == ("all",) and len(data.images) == 12


@pytest.mark.parametrize("beside", ["labels/0.txt", "annotations/0.xml", "masks/0.png"])
def test_exports_for_other_tasks_are_named(beside, tmp_path):
    for split in ("train", "val"):
        picture(tmp_path / split / "images", "0.png")
        (tmp_path / split / beside).parent.mkdir()
        if beside.endswith("png"):
            picture((tmp_path / split / beside).parent, "0.png")
        else:
            (tmp_path / split / beside).write_text("0 0.5 0.5 1 1\n")
    refused(tmp_path, "export for (object detection|segmentation).*--structure flat")
    assert opened(tmp_path, structure="flat").classes == ("all",)


def test_other_forms_of_exports_are_named(tmp_path):
    picture(tmp_path / "coco", "0.jpg")
    (tmp_path / "coco" / "_annotations.coco.json").write_text('{"images": [], "annotations": []}')
    refused(tmp_path / "coco", "COCO")
    picture(tmp_path / "voc", "0.jpg")
    (tmp_path / "voc" / "0.xml").write_text("<annotation><object/></annotation>")
    refused(tmp_path / "voc", "Pascal VOC")
    picture(tmp_path / "web" / "00000", "0.jpg")
    (tmp_path / "web" / "00000" / "0.json").write_text('{"caption": "a", "url": "b", "key": "0"}')
    refused(tmp_path / "web", "img2dataset")


@pytest.mark.parametrize(
    "name",
    ["@eaDir", "__MACOSX", "$RECYCLE.BIN", ".ipynb_checkpoints", "System Volume Information"],
)
def test_folders_of_systems_are_no_classes(name, tmp_path):
    classes_in(tmp_path)
    picture(tmp_path / name / "cat", "0.png")
    picture(tmp_path / "cat" / name, "0.png")
    source = opened(tmp_path)
    assert source.classes == ("cat", "dog") and len(source.labels) == 4


@pytest.mark.parametrize(
    "name", ["Thumbs.db", "desktop.ini", ".DS_Store", "._0.png", "0.xmp", "0.aae", "0.mov", "a.txt"]
)
def test_files_of_systems_and_sidecars_are_no_images(name, tmp_path):
    classes_in(tmp_path)
    (tmp_path / "cat" / name).write_bytes(b"\0\5\x16\7")
    assert (
        len(load_images(DataSettings.parse({"data": str(tmp_path), "min_per_class": 1})).images)
        == 4
    )


def test_linked_folders_are_read_and_circles_and_dangling_links_are_told(tmp_path):
    classes_in(tmp_path / "pets")
    classes_in(tmp_path / "more", "cat", count=3)
    (tmp_path / "pets" / "cat" / "second").symlink_to(tmp_path / "more" / "cat")
    (tmp_path / "pets" / "cat" / "round").symlink_to(tmp_path / "pets")
    source = opened(tmp_path / "pets")
    assert np.bincount(source.labels).tolist() == [5, 2]
    assert "a link back to a folder that it lies in" in "\n".join(source.understood.lines())
    os.symlink(tmp_path / "gone.png", tmp_path / "pets" / "dog" / "7.png")
    given = {"data": str(tmp_path / "pets"), "min_per_class": 1}
    with pytest.raises(SynthgenError, match=r"7.png: is a link to .*gone.png, which is missing"):
        load_images(DataSettings.parse(given))
    data = load_images(DataSettings.parse({**given, "on_bad_image": "skip"}))
    assert len(data.images) == 7 and "7.png" in data.skipped[0]


@pytest.mark.parametrize("inside", [(), ("runs",), ("cat",)])
def test_what_synthgen_made_inside_of_the_data_is_not_learnt_from(inside, tmp_path):
    classes_in(tmp_path)
    run = tmp_path.joinpath(*inside, "made")
    picture(run / "samples", "0.png")
    (run / "settings.json").write_text("{}")
    (run / "metrics.jsonl").write_text("")
    source = opened(tmp_path)
    assert source.classes == ("cat", "dog") and len(source.labels) == 4
    assert "made by synthgen" in "\n".join(source.understood.lines())


def test_folders_that_may_be_anything_stop_with_both_readings(tmp_path):
    for name in ("00000", "00001"):
        picture(tmp_path / "numbered" / name, f"{name}.png")
    refused(tmp_path / "numbered", "--structure classes.*--structure flat")
    for outer, inner in (("fur", ("cat", "dog")), ("feather", ("owl", "hen"))):
        classes_in(tmp_path / "deep" / outer, *inner)
    refused(tmp_path / "deep", "fur/cat.*--structure classes")
    assert opened(tmp_path / "deep", structure="classes").classes == ("feather", "fur")
    picture(tmp_path / "plain" / "images", "0.png")
    refused(tmp_path / "plain", "'images' name a class.*--structure classes.*--structure flat")


def test_a_column_of_splits_in_a_label_file_divides(tmp_path):
    for number in range(6):
        picture(tmp_path, f"{number}.png")
    rows = [f"{n}.png,{'ab'[n % 2]},{'Train' if n < 4 else 'val'}" for n in range(6)]
    (tmp_path / "meta.csv").write_text("\n".join(["name,kind,split", *rows]))
    source = opened(tmp_path)
    assert len(source.labels) == 4 and source.understood.splits == ("train", "validation")
    assert len(opened(tmp_path, "validation").labels) == 2
    refused(tmp_path, r"no split 'test' in column 'split' \(there are train, validation\)", "test")


def test_a_data_set_among_the_class_folders_is_no_class(tmp_path):
    classes_in(tmp_path)
    classes_in(tmp_path / "exported" / "train")
    refused(tmp_path, "divided into splits, and others are not.*--structure classes")
