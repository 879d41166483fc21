"""Attributes out of every form that people have them in; what is empty is not known."""

import csv
import json

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from synthgen.data.attributes import attributed, attributed_as
from synthgen.data.records import open_rows, unlabelled_table, without_labels
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.vectors import Attributes

ROWS = [
    {"smiling": 1, "male": "no", "age": 30, "hair": "blond", "id": 901},
    {"smiling": 0, "male": "yes", "age": 4.5, "hair": "black", "id": 17},
    {"smiling": "", "male": "yes", "age": "", "hair": "black", "id": 333},
    {"smiling": 1, "male": "", "age": 71, "hair": "", "id": 4},
] * 10  # fmt: skip
for number, row in enumerate(ROWS):
    ROWS[number] = {**row, "id": 7919 * (number + 1) % 100_003}


def pictures(folder, count=len(ROWS), ending="png"):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(folder / f"{number:03d}.{ending}")
    return [f"{number:03d}.{ending}" for number in range(count)]


def as_csv(folder):
    names = pictures(folder)
    with (folder / "metadata.csv").open("w") as file:
        writer = csv.DictWriter(file, ["file_name", *ROWS[0]])
        writer.writeheader()
        writer.writerows({"file_name": n, **r} for n, r in zip(names, ROWS, strict=True))


def as_jsonl(folder):
    names = pictures(folder)
    lines = [
        {"file_name": n, **{k: None if v == "" else v for k, v in r.items()}}
        for n, r in zip(names, ROWS, strict=True)
    ]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))


def as_table(folder):
    names = pictures(folder / "files")
    index = {"blond": 1, "black": 0, "": None}
    columns = {
        "image": [{"bytes": (folder / "files" / n).read_bytes(), "path": None} for n in names],
        "smiling": [None if r["smiling"] == "" else bool(r["smiling"]) for r in ROWS],
        "male": [{"no": 0, "yes": 1, "": None}[r["male"]] for r in ROWS],
        "age": [None if r["age"] == "" else float(r["age"]) for r in ROWS],
        "hair": [index[r["hair"]] for r in ROWS],
        "id": [r["id"] for r in ROWS],
    }
    for name in names:
        (folder / "files" / name).unlink()
    labels = {n: {"names": k, "_type": "ClassLabel"} for n, k in
              (("hair", ["black", "blond"]), ("male", ["no", "yes"]))}  # fmt: skip
    features = {"info": {"features": {"image": {"_type": "Image"}, **labels}}}
    table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, folder / "train.parquet")


def opened(folder, *asked, **settings):
    settings = DataSettings.parse({"data": str(folder), **settings})
    return attributed(open_rows(unlabelled_table(settings)), asked)


def of(source):
    field = source.understood.columns[-1].offers
    return field, np.stack(source.values("attributes", range(len(source.labels))))


@pytest.mark.parametrize("write", [as_csv, as_jsonl, as_table])
def test_columns_are_read_alike_from_every_form(write, tmp_path):
    write(tmp_path)
    source = opened(tmp_path)
    field, values = of(source)
    assert field == Attributes(
        ("smiling", "male", "age", "hair"), {"age": (4.5, 71.0)}, {"hair": ("black", "blond")}
    )
    nan = np.nan
    wanted = [[1, 0, 30, 1], [0, 1, 4.5, 0], [nan, 1, nan, 0], [1, nan, 71, nan]]
    np.testing.assert_array_equal(values[:4], np.array(wanted, np.float32))
    assert source.classes == ("all",)
    said = "\n".join(source.understood.lines())
    assert "smiling (67% yes, 10 not known)" in said and "hair (one of black, blond, 10" in said
    assert "id (another number in each row)" in said


def test_those_that_are_named_are_taken_in_that_order_and_no_others(tmp_path):
    as_csv(tmp_path)
    field, values = of(opened(tmp_path, "age", "smiling"))
    assert field.names == ("age", "smiling") and values.shape == (40, 2)


@pytest.mark.parametrize("ending", ["txt", "csv"])
def test_celebas_list_has_minus_one_for_no(ending, tmp_path):
    names = pictures(tmp_path / "img_align_celeba", ending="jpg")
    rows = [(n, (-1, 1)[k % 2], (1, -1, -1)[k % 3]) for k, n in enumerate([*names, "999.jpg"])]
    if ending == "txt":
        lines = [str(len(rows)), "Smiling Male", *("  ".join(map(str, r)) for r in rows)]
    else:
        lines = ["image_id,Smiling,Male", *(",".join(map(str, r)) for r in rows)]
    (tmp_path / f"list_attr_celeba.{ending}").write_text("\n".join(lines))
    source = opened(tmp_path)
    field, values = of(source)
    assert field.names == ("Smiling", "Male") and len(values) == len(names)
    assert values[:4].tolist() == [[0, 1], [1, 0], [0, 0], [1, 1]]
    assert "-1 is no" in "\n".join(source.understood.lines())
    assert next(source.encoded([3]))[1].endswith("img_align_celeba/003.jpg")


def test_minus_one_beside_nought_is_not_known(tmp_path):
    names = pictures(tmp_path)
    text = "".join(f"{n},{(-1, 0, 1)[k % 3]}\n" for k, n in enumerate(names))
    (tmp_path / "metadata.csv").write_text("file_name,smiling\n" + text)
    _, values = of(opened(tmp_path))
    np.testing.assert_array_equal(values[:3, 0], [np.nan, 0, 1])


TAGS = [["hat", "happy"], ["hat"], [], None, ["happy", "sad"]]


@pytest.mark.parametrize("by", [None, ", ", ";", " "])
def test_tags_are_a_list_or_a_text(by, tmp_path):
    names = pictures(tmp_path)
    cells = [TAGS[k % 5] for k in range(len(names))]
    if by is not None:
        cells = [None if c is None else by.join(c) or by for c in cells]
    lines = [{"file_name": n, "tags": c} for n, c in zip(names, cells, strict=True)]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    field, values = of(opened(tmp_path))
    assert field.names == ("happy", "hat", "sad")
    nan = np.nan
    wanted = [[1, 1, 0], [0, 1, 0], [0, 0, 0], [nan, nan, nan], [1, 0, 1]]
    np.testing.assert_array_equal(values[:5], wanted)


def test_rare_tags_are_left_out(tmp_path):
    names = pictures(tmp_path)
    lines = [{"file_name": n, "tags": ["all", "half"][: 1 + k % 2] + ["rare"] * (k == 7)}
             for k, n in enumerate(names)]  # fmt: skip
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    settings = DataSettings.parse({"data": str(tmp_path)})
    assert of(attributed(open_rows(settings), (), 0.05))[0].names == ("half",)


def test_rows_are_read_as_a_field_that_is_known_or_refused(tmp_path):
    as_csv(tmp_path)
    rows = open_rows(DataSettings.parse({"data": str(tmp_path)}))
    field = Attributes(("hair", "smiling"), {}, {"hair": ("red", "blond", "black")})
    values = np.stack(attributed_as(rows, field).values("attributes", range(4)))
    np.testing.assert_array_equal(values[:, 0], [1, 2, 2, np.nan])
    with pytest.raises(SynthgenError, match="'hair' is 'black' in a row, and the generator knows"):
        attributed_as(rows, Attributes(("hair",), {}, {"hair": ("red", "blond")}))
    with pytest.raises(SynthgenError, match="no attribute 'beard'"):
        attributed_as(rows, Attributes(("beard",)))
    with pytest.raises(SynthgenError, match="'age' is 30 in a row, where the generator takes yes"):
        attributed_as(rows, Attributes(("age",)))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("smilng", "no attribute 'smilng' .*did you mean 'smiling'"),
        ("constant", "column 'constant' is no attribute: '1' in all rows"),
        ("caption", "column 'caption' is no attribute: text, 40 different"),
    ],
)
def test_what_is_no_attribute_is_told_in_a_line(asked, words, tmp_path):
    names = pictures(tmp_path)
    text = "".join(f"{n},{k % 2},1,words{k}\n" for k, n in enumerate(names))
    (tmp_path / "metadata.csv").write_text("file_name,smiling,constant,caption\n" + text)
    with pytest.raises(SynthgenError, match=words):
        opened(tmp_path, "smiling", asked)


def test_a_column_called_label_stays_the_class(tmp_path):
    names = pictures(tmp_path)
    text = "".join(f"{n},{'ab'[k % 2]},{k % 3 > 0:d}\n" for k, n in enumerate(names))
    (tmp_path / "metadata.csv").write_text("file_name,label,smiling\n" + text)
    source = opened(tmp_path)
    assert source.classes == ("a", "b") and of(source)[0].names == ("smiling",)


@pytest.fixture
def written_dataset(tmp_path):
    """A dataset folder as ``sample`` leaves it: a table with mappings, and a picture beside it."""
    kinds = datasets.Features({
        "image": datasets.Image(),
        "attributes": {"color": datasets.ClassLabel(names=["blue", "red"]),
                       "age": datasets.Value("float32")},
    })  # fmt: skip
    pictures = [Image.new("RGB", (8, 8), (20 * row, 0, 0)) for row in range(12)]
    cells = [{"color": row % 2 if row else None, "age": float(row)} for row in range(12)]
    rows = datasets.Dataset.from_dict({"image": pictures, "attributes": cells}, features=kinds)
    (tmp_path / "data").mkdir()
    rows.to_parquet(tmp_path / "data" / "train-00000.parquet")
    (tmp_path / "report").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "report" / "contact-sheet.png")
    return tmp_path


def test_a_table_is_read_and_not_the_contact_sheet_beside_it(written_dataset):
    asked = DataSettings.parse({"data": str(written_dataset), "structure": "flat"})
    source = open_rows(asked)
    assert len(source.labels) == 12 and source.understood.structure == "table"


def test_named_values_of_a_mapping_keep_their_names(written_dataset):
    asked = DataSettings.parse({"data": str(written_dataset), "structure": "flat"})
    source = open_rows(asked)
    cells = source.values("attributes", [0, 1, 2])
    assert [cell["color"] for cell in cells] == [None, "red", "blue"]
    field = Attributes(("color", "age"), {"age": (0.0, 20.0)}, {"color": ("red", "blue")})
    read = attributed_as(source, field).values("attributes", range(3))
    np.testing.assert_array_equal(read, [[np.nan, 0], [0, 1], [1, 2]])
    assert "one of blue, red" in " ".join(attributed(source).understood.notes)


def test_a_metadata_file_in_a_split_says_which_images_there_are(tmp_path):
    inside = tmp_path / "train" / "all"
    inside.mkdir(parents=True)
    (tmp_path / "train" / "metadata.jsonl").write_text("{}")
    asked = DataSettings.parse({"data": str(tmp_path)})
    assert without_labels(asked, columns=True).structure == "auto"
    assert without_labels(asked).structure == "flat"
    hub = DataSettings.parse({"data": "somebody/pictures"})
    assert without_labels(hub, columns=True).structure == "flat"


def test_the_cell_that_is_no_number_is_named(tmp_path):
    for row in range(12):
        Image.new("RGB", (8, 8), (20 * row, 0, 0)).save(tmp_path / f"{row:02d}.png")
    ages = ["13", "old", *map(str, range(20, 30))]
    lines = [f"{row:02d}.png,{age}" for row, age in enumerate(ages)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,age", *lines]))
    source = open_rows(DataSettings.parse({"data": str(tmp_path)}))
    field = Attributes(("age",), {"age": (0.0, 90.0)})
    with pytest.raises(SynthgenError, match=r"'age' is 'old' in a row.*a number; mend the cell"):
        attributed_as(source, field)
