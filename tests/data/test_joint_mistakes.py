"""Joints that are written wrongly end in one line that says what to do, or are read as meant."""

import json

import numpy as np
import pytest
from toy_joints import hide, load, names, refused, write_columns, write_lines
from toy_world import JOINTS, toy_world

SIDE = 16
TOY = toy_world(15, SIDE)
JOINT_ROWS = hide(TOY)


def _with(folder, change):
    """The rows of a file of lines, one changed."""
    write_lines(TOY, JOINT_ROWS, folder)
    path = folder / "metadata.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(rows[4])
    path.write_text("\n".join(map(json.dumps, rows)))
    return folder


def _every(folder, change):
    """The rows of a file of lines, all changed."""
    path = write_lines(TOY, JOINT_ROWS, folder) / "metadata.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        change(row)
    path.write_text("\n".join(map(json.dumps, rows)))
    return folder


def _by_name(row):
    row["keypoints"] = dict(zip(JOINTS, row["keypoints"], strict=True))


def _renamed(joint, other):
    def change(row):
        _by_name(row)
        row["keypoints"][other] = row["keypoints"].pop(joint)

    return change


def _turned(row):
    row["keypoints"] = [[3, 40, 1]] * 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda row: row["keypoints"].pop(), r"0004.png: column 'keypoints': 12 numbers, where 5 "
         r"joints have 2 or 3 each; give every row all"),
        (lambda row: row.update(keypoints=[[90, 3, 1]] * 5), r"0004.png: .*joint 'top' at x 90, y 3"
         r" lies outside of its image of 16x16; joints are in pixels"),
        (lambda row: row["keypoints"].__setitem__(0, [SIDE, 3, 1]), r"0004.png: .*joint 'top' at x "
         r"16, y 3 lies outside of its image of 16x16; .*mark one that it does not show as hidden"),
        (lambda row: row["keypoints"].__setitem__(0, [3, -0.6, 1]), r"joint 'top' at x 3, y -0.6"),
        (lambda row: row.update(keypoints=[3] * 2), r"0004.png: .*2 numbers, where 5 joints"),
        (lambda row: row["keypoints"].__setitem__(0, ["a", 3]), r"0004.png: .*'a' is no number"),
        (lambda row: row["keypoints"].__setitem__(0, 7), r"7 is no joint: write \[x, y\]"),
        (lambda row: row["keypoints"].__setitem__(0, {"x": 3, "why": 3}),
         r"0004.png: column 'keypoints': a joint has x, why; it takes x, y"),
        (_renamed("top", "topp"), r"0004.png: .*unknown joint 'topp'; did you mean 'top'\?"),
        (lambda row: row.update(keypoints="here"), r"0004.png: column 'keypoints': could not"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_is_one_line(change, words, tmp_path):
    refused(words, _with(tmp_path / "rows", change))


def test_a_joint_on_the_outer_border_is_seen(tmp_path):
    places = [[-0.5, 15.5, 1], [15.5, -0.5, 1], [-0.25, -0.25, 1], [-1, -1, 1], [15.4, 3, 1]]
    folder = _with(tmp_path / "rows", lambda row: row.update(keypoints=places))
    records, _ = load(folder)
    np.testing.assert_allclose(records.columns["keypoints"][4, [0, 1, 2, 4]], np.array(places)[
        [0, 1, 2, 4]], atol=1e-5)  # fmt: skip
    assert records.columns["keypoints"][4, :, 2].tolist() == [1, 1, 1, 0, 1]


@pytest.mark.parametrize("hidden", [None, [None, 3], [-1, -1], [3, 3, 0], [3, 3, "no"],
                                    {"x": 3, "y": 3, "visible": False}])  # fmt: skip
def test_a_hidden_joint_may_be_written_in_many_ways(hidden, tmp_path):
    folder = _with(tmp_path / "rows", lambda row: row["keypoints"].__setitem__(1, hidden))
    records, _ = load(folder)
    wanted = JOINT_ROWS[:, :, 2].copy()
    wanted[4, 1] = 0
    assert (records.columns["keypoints"][:, :, 2] == wanted).all()


def test_rows_of_which_no_joint_is_seen_are_refused(tmp_path):
    folder = _every(tmp_path / "rows", lambda row: row.update(visible=[0] * 5))
    refused("column 'keypoints': no joint is seen in any row: .*mark those that are seen", folder)


YES = {
    "words": lambda seen: "yes" if seen else "no",
    "truth": bool,
    "text": lambda seen: "1" if seen else "0",
    "marks": lambda seen: 2 * seen,
}


@pytest.mark.parametrize("form", YES)
@pytest.mark.parametrize("together", [True, False])
def test_yes_and_no_say_what_is_seen(form, together, tmp_path):
    def change(row):
        places = row["keypoints"]
        shown = [YES[form](place % 2) for place in range(5)]
        row["keypoints"], row["visible"] = [[3 + place[0] / 2, 3] for place in places], shown
        if not together:
            del row["keypoints"], row["visible"]
            for name, place, seen in zip(JOINTS, places, shown, strict=True):
                row |= {f"{name}_x": place[0], f"{name}_y": 3, f"{name}_visible": seen}

    records, _ = load(_every(tmp_path / "rows", change))
    assert (records.columns["keypoints"][:, :, 2] == [0, 1, 0, 1, 0]).all()


def test_what_is_neither_yes_nor_no_is_told(tmp_path):
    folder = _with(tmp_path / "rows", lambda row: row.update(visible=["yes", "maybe", 1, 1, 1]))
    refused(r"0004.png: .*column 'visible': 'maybe' says neither yes nor no; write 1 or 0", folder)
    for name in JOINTS:  # in columns of their own
        (folder / "joints.json").unlink(missing_ok=True)
        path = folder / "metadata.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            row |= {f"{name}_x": 3, f"{name}_y": 3, f"{name}_seen": "perhaps"}
            row.pop("keypoints", None), row.pop("visible", None)
        path.write_text("\n".join(map(json.dumps, rows)))
    refused(r"0000.png: column 'top_seen': 'perhaps' says neither yes nor no", folder)


def test_a_misspelt_joint_of_mappings_is_told_without_names_too(tmp_path):
    folder = _every(tmp_path / "rows", _by_name)
    (folder / "joints.json").unlink()
    path = folder / "metadata.jsonl"
    right = path.read_text().splitlines()
    for row in (0, 9):  # the first row, too, is not believed
        wrong = [*right[:row], right[row].replace('"top"', '"topp"'), *right[row + 1 :]]
        path.write_text("\n".join(wrong))
        refused(rf"000{row}.png: .*unknown joint 'topp'; did you mean 'top'\?", folder)
    fewer = json.loads(right[0])
    del fewer["keypoints"]["left"]
    path.write_text("\n".join([json.dumps(fewer), *right[1:]]))
    records, task = load(folder)
    assert set(task.fields["keypoints"].names) == set(JOINTS)
    seen = records.columns["keypoints"][:, task.fields["keypoints"].names.index("left"), 2]
    assert seen[0] == 0 and (seen[1:] == JOINT_ROWS[1:, JOINTS.index("left"), 2]).all()


def test_axes_that_are_changed_are_told(tmp_path):
    from PIL import Image

    folder = _with(tmp_path / "rows", _turned)
    wide = np.concatenate([TOY.images[4]] * 3, axis=1)
    Image.fromarray(wide).save(folder / "0004.png")
    refused("with the axes changed all joints lie inside: write x before y", folder)


def test_shares_of_the_side_are_no_pixels(tmp_path):
    shares = JOINT_ROWS / [SIDE, SIDE, 1]
    refused("lie between 0 and 1, as shares of the image; write them in pixels",
            write_lines(TOY, shares, tmp_path / "rows"))  # fmt: skip


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ([1, 2], "names no joints"),
        (["a", "a"], "a name is there twice"),
        ({"joints": ["a", "b"], "skeleton": [[1, 2]]}, "count from 0"),
        ({"points": 3}, "names no joints"),
        (["a", "b"], "15 numbers, where 2 joints"),
        (["a", "b"], r"joints.json: names 2 joints, and all rows of column 'keypoints' have 5"),
        ("abcde", r"joints.json: names no joints \(no list of names\)"),
        ({"joints": "abcde"}, r"joints.json: names no joints \(no list of names\)"),
    ],
)
def test_a_file_of_names_that_is_none(record, words, tmp_path):
    folder = write_lines(TOY, JOINT_ROWS, tmp_path / "rows")
    (folder / "joints.json").write_text(json.dumps(record))
    refused(words, folder)


@pytest.mark.parametrize("visible", [None, [1, 1, 1]])
@pytest.mark.parametrize("flat", [True, False])
def test_two_names_for_three_joints_are_the_names_fault(visible, flat, tmp_path):
    def change(row):
        places = [[3.0, 9.0], [5.0, 9.0], [6.0, 5.0]]
        row["keypoints"] = [number for place in places for number in place] if flat else places
        row |= {} if visible is None else {"visible": visible}

    folder = _every(tmp_path / "rows", change)
    (folder / "joints.json").write_text('["left", "right"]')
    told = flat and visible is None
    refused("6 numbers, where 2 joints .*one is 5" if told else r"joints.json: names 2 joints, and "
            "all rows of column 'keypoints' have 3 \(6 numbers, where 2 joints.*; name each", folder)  # fmt: skip


def test_a_single_axis_is_told_where_no_names_say_which_joints_there_are(tmp_path):
    folder = write_columns(TOY, JOINT_ROWS, tmp_path / "rows")
    path = folder / "metadata.csv"
    text = path.read_text()
    path.write_text(text.replace("top_y", "tip_z", 1))
    refused(r"column 'top_x' has no 'top_y' beside it.*a joint has both", folder)
    path.write_text(text.replace("top_x", "tip", 1))
    refused(r"column 'top_y' has no 'top_x' beside it", folder)


def test_a_column_that_lacks_its_partner_is_told(tmp_path):
    folder = write_columns(TOY, JOINT_ROWS, tmp_path / "rows")
    text = (folder / "metadata.csv").read_text()
    names(folder)
    (folder / "metadata.csv").write_text(text.replace("top_y", "tip_y", 1))
    refused(r"no columns 'top_x' and 'top_y' \(there are those of left", folder)
    (folder / "metadata.csv").write_text(text.replace(",a large", ",7,a large", 1))
    (folder / "metadata.csv").write_text(text.replace("top_x", "name_x").replace(
        text.splitlines()[1].split(",")[3], "far", 1))  # fmt: skip
    refused(r"no columns 'top_x'", folder)
    (folder / "metadata.csv").write_text(
        text.replace(f",{text.splitlines()[1].split(',')[3]},", ",far,", 1)
    )
    refused(r"0000.png: column 'left_x': 'far' is no number", folder)
