"""Label files as people have them: whatever wrote them, each image gets its own label, or none."""

import json

import pytest
from PIL import Image

from synthgen.data.sources import open_source
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings

LABELS = ["cat", "cat", "dog", "dog", "cat", "dog"]
FILES = [f"{number:03d}.png" for number in range(6)]


@pytest.fixture
def folder(tmp_path):
    """Six images in ``images``, and room for a label file beside it."""
    (tmp_path / "images").mkdir()
    for number, file in enumerate(FILES):
        Image.new("RGB", (8, 8), (40 * number, 9, 9)).save(tmp_path / "images" / file)
    return tmp_path


def opened(path, split="train", **settings):
    return open_source(DataSettings.parse({"data": str(path), **settings}), split)


def read(path, **settings):
    """The label of each image by its file's name."""
    source = opened(path, **settings)
    rows = range(len(source.labels))
    return {source.where(row)[-7:]: source.classes[source.labels[row]] for row in rows}


def refused(path, words, **settings):
    with pytest.raises(SynthgenError, match=words) as caught:
        opened(path, **settings)
    assert "\n" not in str(caught.value)


def lines(form, header="filename,label", names=FILES, labels=LABELS):
    rows = [form.format(file=file, label=label) for file, label in zip(names, labels, strict=True)]
    return "\n".join([header, *rows] if header else rows) + "\n"


RIGHT = dict(zip(FILES, LABELS, strict=True))

DIALECTS = {
    "utf-16": lines("{file},{label}").encode("utf-16"),
    "utf-16 with tabs": lines("{file}\t{label}", "filename\tlabel").encode("utf-16"),
    "a mark before utf-8": lines("{file};{label}", "filename;label").encode("utf-8-sig"),
    "a line of the separator": lines("{file};{label}", "sep=;\r\nfilename;label").encode(),
    "a comment": lines("{file},{label}", "# exported today\nfilename,label").encode(),
    "a header behind a sign": lines("{file},{label}", "# filename,label").encode(),
    "the ends of old Macs": lines("{file},{label}").replace("\n", "\r").encode(),
    "the number of each row": lines("7,{file},{label}", ",filename,label").encode(),
    "blanks around": lines('{file} , "{label} "').encode(),
    "a column twice": lines("{file},{label},{label}", "filename,label,label").encode(),
    "the label first": lines("{label},{file}", "label,filename").encode(),
    "no header, the label first": lines("{label},{file}", "").encode(),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_csv_is_read_whatever_wrote_it(dialect, folder):
    (folder / "labels.csv").write_bytes(DIALECTS[dialect])
    assert read(folder) == RIGHT


CALLED = {
    "without ending": [file[:-4] for file in FILES],
    "with another ending": [file.replace("png", "jpg") for file in FILES],
    "in capitals": [file.upper() for file in FILES],
    "from another machine": [f"/content/drive/pets/images/{file}" for file in FILES],
    "from Windows": [f"C:\\Users\\me\\images\\{file}" for file in FILES],
    "seen from elsewhere": [f"../images/{file}" for file in FILES],
    "without their zeros": [str(number) for number in range(6)],
    "in another folder of images": [f"train/{file}" for file in FILES],
}


@pytest.mark.parametrize("called", CALLED)
def test_images_are_found_by_what_people_call_them(called, folder):
    (folder / "labels.csv").write_text(lines("{file},{label}", names=CALLED[called]))
    assert read(folder) == RIGHT


def test_a_path_that_contradicts_the_folder_is_another_image(folder):
    for name in ("cat", "dog"):
        (folder / name).mkdir()
        Image.new("RGB", (8, 8)).save(folder / name / f"only-{name}.png")
    rows = "file,label\ncat/only-cat.png,a\ndog/only-cat.png,b\ndog/only-dog.png,b\n"
    (folder / "labels.csv").write_text(rows)
    source = opened(folder, structure="labels")
    assert source.labels.tolist() == [0, 1, 1]
    assert source.where(1).endswith("dog/only-cat.png")  # which is missing, and not the cat's


JSON = {
    "classes with their files": {c: [f for f in FILES if RIGHT[f] == c] for c in ("cat", "dog")},
    "files with records": {f: {"label": RIGHT[f], "age": 3} for f in FILES},
    "records under a key": {"version": 1, "data": [{"file": f, "label": RIGHT[f]} for f in FILES]},
    "columns": {"file_name": FILES, "label": LABELS},
    "columns of a data frame": {
        "file_name": {str(k): f for k, f in enumerate(FILES)},
        "label": {str(k): each for k, each in enumerate(LABELS)},
    },
    "lists of one": [{"file": f, "labels": [RIGHT[f]]} for f in FILES],
}


@pytest.mark.parametrize("form", JSON)
def test_json_is_read_in_the_forms_in_use(form, folder):
    (folder / "labels.json").write_text(json.dumps(JSON[form]))
    assert read(folder) == RIGHT


LISTS = {
    "blanks": lines("images/{file} {label}", ""),
    "tabs, and boxes behind": lines("{file}\t{label}\t0\t0\t9\t9", ""),
    "commas": lines("{file},{label}", ""),
    "a header": lines("{file} {label}", "image label"),
}


@pytest.mark.parametrize("form", LISTS)
def test_lists_of_text_are_label_files(form, folder):
    (folder / "annotations.txt").write_text(LISTS[form])
    assert read(folder) == RIGHT
    (folder / "labels.csv").write_text(lines("{file},owl"))
    assert set(read(folder).values()) == {"owl"}  # a table goes before a list


def test_lists_of_the_splits_are_read_split_by_split(folder):
    rows = LISTS["blanks"].splitlines()
    (folder / "train.txt").write_text("\n".join(rows[:4]))
    (folder / "val.txt").write_text("\n".join(rows[4:]))
    assert len(opened(folder).labels) == 4 and len(opened(folder, "val").labels) == 2


@pytest.mark.parametrize(
    "text", ["0 cat\n1 dog\n", "cat\ndog\n", "a sentence about these images\nand another\n"]
)
def test_other_texts_are_no_label_files(text, tmp_path):
    for number in range(12):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.png")
    (tmp_path / "classes.txt").write_text(text)
    refused(tmp_path, "12 files but no class folders")


def test_lists_of_splits_beside_class_folders_are_said(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8, 8)).save(tmp_path / "images" / name / f"{number}.png")
    (tmp_path / "images" / "train.txt").write_text("cat/0\ncat/1\ndog/0\n")
    (tmp_path / "images" / "test.txt").write_text("cat/2\ndog/1\n")
    source = opened(tmp_path)
    assert len(source.labels) == 6
    assert "train.txt list images of splits, and are not used" in "\n".join(source.understood.notes)


def test_a_label_file_may_be_named_itself(folder):
    (folder / "old.csv").write_text(lines("{file},owl"))
    (folder / "new.csv").write_text(lines("{file},{label}"))
    refused(folder, "several files name the images")
    assert read(folder / "new.csv") == RIGHT
    assert set(read(folder / "old.csv").values()) == {"owl"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("labels.xlsx", b"PK", "labels.xlsx is a spreadsheet, which is not read; save it as CSV"),
        ("labels.csv", b"", "labels.csv is empty"),
        ("metadata.jsonl", b'{"file_name": "000.png"}\n{"fi', "cannot be read as JSON lines"),
        ("labels.csv", b"id,label\nx1,cat\nx2,dog\n", "names no images here .*'x1'"),
        ("labels.csv.gz", b"\x1f\x8b", "labels.csv.gz is packed: unpack it"),
    ],
)
def test_a_label_file_that_is_not_used_is_named_with_the_reason(name, content, words, folder):
    (folder / name).write_bytes(content)
    refused(folder, words)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        ("0.0 1.0 1.0 0.0 2.0 1.0", ("0", "1", "2")),
        ("cat 'cat' cat dog dog cat", ("'cat'", "cat", "dog")),
        ("['cat'] ['cat'] ['dog'] ['dog'] ['cat'] ['dog']", ("cat", "dog")),
        ("007 7 007 7 007 7", ("007", "7")),
        ("NA cat NA cat cat cat", ("NA", "cat")),
        ("1 2 (other) 1 2 1", ("(other)", "1", "2")),
    ],
)
def test_cells_are_classes_as_they_are_meant(cells, classes, folder):
    text = lines("{file},{label}", labels=cells.split())
    (folder / "labels.csv").write_text(text)
    source = opened(folder)
    assert source.classes == classes
    notes = "\n".join(source.understood.notes)
    assert ("read as 0" in notes) == (cells[1] == ".")
    assert ("'NA' in column 'label' is read as a class of 2 images" in notes) == ("NA" in cells)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("0.5 1.25 1.0 0.0 2.0 1.0", "holds numbers with fractions .0.5, 1.25"),
        ("0 1 nan 1 0 1", "row 3 has 'nan' .*it has no label"),
        ("0.0 1.0 -1.0 1.0 0.0 1.0", "1 rows have the label -1"),
        ("cat cat|dog dog cat cat dog", r"row 2 has 'cat\|dog' .*and 'cat' is a label too"),
        ("cat cat;owl dog cat cat dog", "row 2 has 'cat;owl'"),
        ("cat cat/dog dog cat cat dog", "row 2 has 'cat/dog'"),
        ("['cat','dog'] 1 1 1 1 1", "which is not one class"),
        ("[] 1 1 1 1 1", "row 1: column 'label' is empty"),
    ],
)
def test_cells_that_name_no_class_or_several_are_told(cells, words, folder):
    rows = zip(FILES, cells.split(), strict=True)
    (folder / "labels.tsv").write_text(
        "filename\tlabel\n" + "".join(f"{file}\t{cell}\n" for file, cell in rows)
    )
    refused(folder, words)


def test_several_labels_between_blanks_are_told_by_the_columns_name(folder):
    labels = ["hot", "hot dog", "cat", "cat", "hot", "cat"]
    (folder / "labels.csv").write_text(lines("{file},{label}", labels=labels))
    assert opened(folder).classes == ("cat", "hot", "hot dog")
    (folder / "labels.csv").write_text(lines("{file},{label}", "file,tags", labels=labels))
    refused(folder, "row 2 has 'hot dog'", label_column="tags")


def test_a_column_with_another_value_in_each_row_names_no_classes(tmp_path):
    for number in range(20):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.png")
    rows = "".join(f"{number}.png,a sentence {number}\n" for number in range(20))
    (tmp_path / "metadata.csv").write_text("file_name,caption\n" + rows)
    refused(tmp_path, "'caption' has another value in each of 20 rows.*--structure flat")


def test_an_image_that_is_named_twice_counts_once_or_stops(folder):
    (folder / "labels.csv").write_text(lines("{file},{label}") + f"{FILES[0]},cat\n")
    source = opened(folder)
    assert len(source.labels) == 6
    assert "1 rows (name an image that an earlier row names)" in "\n".join(
        source.understood.lines()
    )
    (folder / "labels.csv").write_text(lines("{file},{label}") + f"images/{FILES[0]},dog\n")
    refused(folder, "rows 1 and 7 give the image images/000.png different labels, 'cat' and 'dog'")


def test_two_columns_of_one_name_must_say_the_same(folder):
    rows = lines("{file},{label},7", "filename,label,label")
    (folder / "labels.csv").write_text(rows)
    refused(folder, "two columns 'label', which differ in row 1")


@pytest.mark.parametrize("bits", [("1", "0"), ("1.0", "0.0"), ("True", "False")])
def test_columns_of_which_one_is_1_are_the_classes(bits, folder):
    yes, no = bits
    rows = [f"{f}, {yes if RIGHT[f] == 'cat' else no}, {yes if RIGHT[f] == 'dog' else no}"
            for f in FILES]  # fmt: skip
    (folder / "_classes.csv").write_text("\n".join(["filename, cat, dog", *rows]))
    assert read(folder) == RIGHT
    assert "the columns that are 0 or 1" in opened(folder).understood.reading
    assert opened(folder, label_column="cat").classes == tuple(sorted(bits)) or yes == "1.0"
    (folder / "_classes.csv").write_text("\n".join(["filename, cat, dog", *rows[:5], f"{FILES[5]}, "
                                                    f"{yes}, {yes}"]))  # fmt: skip
    refused(folder, "row 6 has 2 of them, not one")


def test_columns_that_tell_the_splits_are_no_classes(folder):
    (folder / "labels.csv").write_text(
        "file,is_train,is_test\n" + "".join(f"{f},{k % 2},{1 - k % 2}\n" for k, f in
                                            enumerate(FILES))
    )  # fmt: skip
    source = None
    with pytest.raises(SynthgenError, match="which of the columns"):
        source = opened(folder)
    assert source is None
