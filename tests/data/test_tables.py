"""Tables: which columns, which splits, whose names; and that a path is never a pattern."""

import io
import json

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from PIL import Image

from synthgen.data.cache import load_images
from synthgen.data.sources import open_source
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings

COLOURS = {"cat": (200, 30, 30), "dog": (30, 200, 30), "owl": (30, 30, 200)}


def png(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), COLOURS.get(colour, (9, 9, 9))).save(buffer, "PNG")
    return buffer.getvalue()


def table(labels, **columns):
    images = [{"bytes": png(label), "path": None} for label in labels]
    return pa.table({"image": images, "label": list(labels), **columns})


def opened(folder, split="train", **settings):
    return open_source(DataSettings.parse({"data": str(folder), **settings}), split)


def load(folder, **settings):
    return load_images(DataSettings.parse({"data": str(folder), "min_per_class": 1, **settings}))


def classed(names, labels):
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=names)}
    )
    rows = {"image": [{"bytes": png(label), "path": None} for label in labels],
            "label": [names.index(label) for label in labels]}  # fmt: skip
    return datasets.Dataset.from_dict(rows, features=features)


def test_class_labels_go_by_their_names_whatever_their_numbers(tmp_path):
    orders = (["cat", "dog"], ["dog", "cat"], ["owl", "cat", "dog"])
    for number, names in enumerate(orders):
        classed(names, names * 2).to_parquet(tmp_path / f"{number}.parquet")
    data = load(tmp_path)
    assert data.classes == ("cat", "dog", "owl")
    for image, label in zip(data.images, data.labels, strict=True):
        assert tuple(image[0, 0]) == COLOURS[data.classes[label]]


@pytest.mark.parametrize(
    "name", ["pets[1]", "a*", "what?", "parquet", "imagefolder", "csv", "{x}", "~", "a b", "x%20y"]
)
def test_the_folder_that_is_named_is_read_whatever_it_is_called(name, tmp_path, monkeypatch):
    for other in ("pets1", "ab", "whatx", name):
        (tmp_path / other).mkdir()
        labels = ["cat", "dog"] if other == name else ["owl", "hen"]
        pq.write_table(table(labels), tmp_path / other / "train.parquet")
    assert opened(tmp_path / name).classes == ("cat", "dog")
    monkeypatch.chdir(tmp_path)
    assert opened(f"./{name}").classes == ("cat", "dog")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(SynthgenError):
        opened("imagefolder")


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_plain_bytes_and_categories_of_data_frames_are_images_and_labels(kind, tmp_path):
    labels = pa.array(["cat", "dog", "cat", "dog"]).dictionary_encode()
    images = pa.array([png(label) for label in labels.to_pylist()], kind)
    made = pa.table({"picture": images, "label": labels, "note": [b"x"] * 4, "weight": [0.5] * 4})
    pq.write_table(made, tmp_path / "0.parquet")
    data = load(tmp_path)
    assert data.classes == ("cat", "dog") and data.labels.tolist() == [0, 1, 0, 1]
    kinds = {column.name: column.kind for column in data.understood.columns}
    assert kinds == {"picture": "image", "label": "text", "note": "other", "weight": "number"}


@pytest.mark.parametrize("name", ["TRAIN.PARQUET", "x.pq", "data.feather", "data.arrow"])
def test_tables_of_other_endings_are_read_from_a_folder_and_by_name(name, tmp_path):
    made = table(["cat", "dog"])
    if name.endswith(("feather", "arrow")):
        pyarrow.feather.write_feather(made, tmp_path / name)
    else:
        pq.write_table(made, tmp_path / name)
    for where in (tmp_path, tmp_path / name):
        assert opened(where).classes == ("cat", "dog")


def test_files_that_a_table_names_are_read_beside_it_or_missed(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "0.png").write_bytes(png("cat"))
    images = [{"bytes": None, "path": "images/0.png"}, {"bytes": None, "path": "gone.png"},
              {"bytes": b"", "path": None}, None]  # fmt: skip
    made = pa.table({"image": images, "label": ["a", "b", "a", "b"]})
    pq.write_table(made, tmp_path / "0.parquet")
    with pytest.raises(SynthgenError, match=r"row 1: names the file gone.png, which is missing"):
        load(tmp_path, structure="table")
    data = load(tmp_path, structure="table", on_bad_image="skip", classes=("a",))
    assert len(data.images) == 1 and "row 2: is empty" in data.skipped[0]
    assert data.rows.tolist() == [0]


@pytest.mark.parametrize(
    ("labels", "words"),
    [([0, -1, 1, -1], "2 rows have the label -1.*--classes 0,1"), (["a", None, "b", "a"], "row 1"),
     (["a", " ", "b", "a"], "row 1: label column 'label' is empty"), ([0.5] * 4, "holds float64")],
)  # fmt: skip
def test_labels_that_are_none_are_told(labels, words, tmp_path):
    made = table(["cat"] * 4).set_column(1, "label", pa.array(labels))
    pq.write_table(made, tmp_path / "0.parquet")
    with pytest.raises(SynthgenError, match=words):
        opened(tmp_path)
    if labels[0] == 0:
        assert load(tmp_path, classes=("0", "1")).classes == ("0", "1")


def test_stray_tables_beside_class_folders_are_left_out_and_said(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"test_{number}.png").write_bytes(png(name))
            (tmp_path / name / f"train_{number}.png").write_bytes(png(name))
    pq.write_table(pa.table({"embedding": [[1.0, 2.0]]}), tmp_path / "embeddings.parquet")
    source = opened(tmp_path)
    assert len(source.labels) == 8 and source.classes == ("cat", "dog")
    assert "tables (beside the images)" in "\n".join(source.understood.lines())
    pq.write_table(table(["cat", "dog"]), tmp_path / "images.parquet")
    with pytest.raises(SynthgenError, match=r"--structure table.*--structure classes"):
        opened(tmp_path)
    assert len(opened(tmp_path, structure="classes").labels) == 8
    (tmp_path / "embeddings.parquet").unlink()
    assert len(opened(tmp_path, structure="table").labels) == 2


def test_splits_of_tables_are_told_by_names_or_by_the_card(tmp_path):
    (tmp_path / "data").mkdir()
    for name, labels in (("train-00000-of-00002", ["cat"]), ("train-00001-of-00002", ["dog"]),
                         ("test-00000-of-00001", ["owl"])):  # fmt: skip
        pq.write_table(table(labels), tmp_path / "data" / f"{name}.parquet")
    assert opened(tmp_path).classes == ("cat", "dog")
    assert opened(tmp_path, "test").classes == ("owl",)
    with pytest.raises(SynthgenError, match=r"no split 'val' \(there are test, train\)"):
        opened(tmp_path, "val")
    card = {"configs": [{"config_name": "default", "data_files": [
        {"split": "train", "path": "data/test-*.parquet"}]}]}  # fmt: skip
    (tmp_path / "README.md").write_text(f"---\n{json.dumps(card)}\n---\n")
    source = opened(tmp_path)
    assert source.classes == ("owl",) and "2 tables (of no split)" in str(source.understood.lines())


def test_other_columns_are_carried_along_by_row(tmp_path):
    made = table(["cat", "dog", "cat", "owl"], age=[3, 4, 5, 6], caption=["a", "b", "c", "d"])
    pq.write_table(made, tmp_path / "0.parquet", row_group_size=2)
    data = load(tmp_path, classes=("owl", "cat"))
    source = opened(tmp_path)
    assert source.values("age", data.rows.tolist()) == [3, 5, 6]
    assert source.values("caption", [3, 0, 1]) == ["d", "a", "b"]
    with pytest.raises(SynthgenError, match=r"no column 'ages'.*did you mean 'age'"):
        source.values("ages", [0])


def test_rows_come_in_the_order_that_is_asked_for(tmp_path):
    names = ["cat", "dog", "owl"] * 50
    pq.write_table(table(names), tmp_path / "0.parquet", row_group_size=40)
    pq.write_table(table(names), tmp_path / "1.parquet", row_group_size=200)
    source = opened(tmp_path)
    rows = np.random.default_rng(0).permutation(300).tolist()
    for row, (encoded, where) in zip(rows, source.encoded(rows), strict=True):
        assert encoded == png(names[row % 150]) and where.endswith(f"row {row}")


def test_what_datasets_has_loaded_is_read_like_a_file():
    from synthgen.data.table_parts import LoadedPart, NamedPart, Rows
    from synthgen.data.tables import Table
    from synthgen.data.understood import Understood

    names = ["T - shirt / top", "dog"]
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=names)}
    )
    rows = {"image": [{"bytes": png(k), "path": None} for k in ("cat", "dog")], "label": [0, 1]}
    part = LoadedPart(datasets.Dataset.from_dict(rows, features=features))
    settings = DataSettings.parse({"data": "somebody/clothes"})
    table = Table(
        "clothes", Rows([NamedPart(part)], "clothes"), settings, "key", Understood("table", "")
    )
    assert table.classes == ("T - shirt / top", "dog")
    assert [encoded for encoded, _ in table.encoded([1, 0])] == [png("dog"), png("cat")]
    assert table.values("label", [1]) == [1]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([0.0, 1.0, 0.0, 2.0], ("0", "1", "2")),
        ([True, False, True, True], ("false", "true")),
        ([b"cat", b"dog", b"cat", b"cat"], ("cat", "dog")),
        ([["cat"], ["dog"], ["cat"], ["cat"]], ("cat", "dog")),
        (["cat", "cat ", " dog", "dog"], ("cat", "dog")),
        (["1.0", "0.0", "1.0", "1.0"], ("0", "1")),
    ],
)
def test_labels_are_read_in_the_types_that_data_frames_give_them(labels, classes, tmp_path):
    made = table(["cat"] * 4).set_column(1, "label", pa.array(labels))
    pq.write_table(made, tmp_path / "0.parquet")
    assert opened(tmp_path).classes == classes


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([["a", "b"], ["a"], ["b"], ["a"]], "row 0: column 'label' is .*not one class"),
        ([0.0, float("nan"), 1.0, 1.0], "row 2 has 'nan'.*no label"),
        ([{"id": 1}, {"id": 2}, {"id": 1}, {"id": 1}], "not one class"),
        (["a|b", "a", "b", "a"], "row 1 has 'a|b'"),
    ],
)
def test_labels_that_are_none_or_several_are_told(labels, words, tmp_path):
    made = table(["cat"] * 4).set_column(1, "label", pa.array(labels))
    pq.write_table(made, tmp_path / "0.parquet")
    with pytest.raises(SynthgenError, match=words):
        opened(tmp_path)


def test_columns_of_a_table_of_which_one_is_1_are_the_classes(tmp_path):
    made = pa.table({"image": table(["cat", "dog", "owl"])["image"], "id": [7, 8, 9],
                     "cat": [1, 0, 0], "dog": [0, 1, 0], "owl": [0, 0, 1]})  # fmt: skip
    pq.write_table(made, tmp_path / "0.parquet")
    source = opened(tmp_path)
    assert source.classes == ("cat", "dog", "owl") and source.labels.tolist() == [0, 1, 2]
    assert "the classes are the columns cat, dog, owl" in source.understood.reading
    pq.write_table(made.set_column(3, "dog", pa.array([1, 1, 0])), tmp_path / "0.parquet")
    with pytest.raises(SynthgenError, match="row 1 has 2 of them, not one"):
        opened(tmp_path)


def test_names_of_class_labels_must_differ_and_those_without_rows_are_left_out(tmp_path):
    classed(["dog", "owl", "cat"], ["cat", "dog", "cat"]).to_parquet(tmp_path / "0.parquet")
    source = opened(tmp_path)
    assert source.classes == ("dog", "cat") and source.labels.tolist() == [1, 0, 1]
    assert "no image has the label 'owl'" in "\n".join(source.understood.notes)
    features = {"label": {"_type": "ClassLabel", "names": ["cat", "cat"]}}
    named = json.dumps({"info": {"features": features}})
    made = table(["cat", "dog"]).set_column(1, "label", pa.array([0, 1]))
    made = made.replace_schema_metadata({"huggingface": named})
    pq.write_table(made, tmp_path / "0.parquet")
    with pytest.raises(SynthgenError, match="two of its numbers the same name 'cat'"):
        opened(tmp_path)


def test_images_may_have_more_beside_their_bytes(tmp_path):
    images = [{"bytes": png(c), "path": "x.png", "height": 8} for c in ("cat", "dog")]
    pq.write_table(pa.table({"image": images, "label": ["a", "b"]}), tmp_path / "0.parquet")
    assert len(load(tmp_path).images) == 2
