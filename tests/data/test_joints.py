"""Joints in the forms that people have them in are read to the same truth, and mistakes are told."""

import numpy as np
import pytest
from toy_joints import (
    hide,
    load,
    refused,
    write_annotations,
    write_columns,
    write_lines,
    write_table,
)
from toy_world import JOINTS, LIMBS, PAIRS, toy_world

from synthgen.data.joints import jointed
from synthgen.data.records import open_rows
from synthgen.spec.errors import SynthgenError
from synthgen.spec.joints import limbs_of, mirrored_pairs
from synthgen.spec.maps import Keypoints
from synthgen.spec.settings.data import DataSettings

SIDE = 16
TOY = toy_world(15, SIDE)
JOINT_ROWS = hide(TOY)
FORMS = {
    "table": (write_table, {}),
    "table without visible": (write_table, {"visible": False}),
    "table with classes": (write_table, {"label": True}),
    "columns": (write_columns, {}),
    "columns with classes": (write_columns, {"label": True}),
    "lists": (write_lines, {}),
    "mappings": (write_lines, {"by_name": True}),
    "coco": (write_annotations, {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read_to_the_same_truth(form, tmp_path):
    write, options = FORMS[form]
    records, task = load(write(TOY, JOINT_ROWS, tmp_path / "rows", **options))
    field = task.fields["keypoints"]
    limbs = LIMBS if form.startswith("table") or form == "coco" else ()
    assert field == Keypoints(JOINTS, SIDE, SIDE, limbs, PAIRS)
    order = {tuple(image.reshape(-1)): k for k, image in enumerate(TOY.images)}
    rows = [order[tuple(image.reshape(-1))] for image in records.images]
    assert sorted(rows) == list(range(len(TOY)))
    seen = JOINT_ROWS[rows][:, :, 2]
    assert (records.columns["keypoints"][:, :, 2] == seen).all()
    gaps = (records.columns["keypoints"] - JOINT_ROWS[rows])[seen > 0]
    assert np.abs(gaps).max() < 1e-3
    classes = form.endswith("classes")
    assert task.classes == (("disc", "square", "triangle") if classes else ("all",))
    said = "\n".join(records.lines())
    assert "keypoints (joints: top, left, right" in said
    if form != "coco":
        assert "note: 5 joints of column" in said and "85% of them seen" in said
        assert "left and right, bottom left and bottom right change places" in said


def test_hidden_joints_leave_their_channel_empty(tmp_path):
    records, task = load(write_table(TOY, JOINT_ROWS, tmp_path / "rows"))
    import torch

    heat = task.fields["keypoints"].tensor(torch.from_numpy(records.columns["keypoints"]))
    empty = heat.flatten(2).amax(dim=2) == 0
    assert (empty.numpy() == (JOINT_ROWS[:, :, 2] == 0)).all()


def test_images_and_joints_are_brought_to_one_size_together(tmp_path):
    records, _ = load(write_table(TOY, JOINT_ROWS, tmp_path / "rows"), resolution=8)
    wanted = (JOINT_ROWS[:, :, :2] + 0.5) / 2 - 0.5
    gaps = np.abs(records.columns["keypoints"][:, :, :2] - wanted)[JOINT_ROWS[:, :, 2] > 0]
    assert records.image.height == 8 and gaps.max() < 1e-3


def test_columns_of_other_names_are_named(tmp_path):
    import pyarrow.parquet as pq

    folder = write_table(TOY, JOINT_ROWS, tmp_path / "rows", visible=False)
    table = pq.read_table(folder / "rows.parquet")
    renamed = table.rename_columns(["image", "places", "name"])
    pq.write_table(renamed, folder / "rows.parquet")
    refused(r"has no joints among image, places, name.*--field keypoints=COLUMN", folder)
    refused(r"no column 'place' .*did you mean 'places'", folder, field={"keypoints": "place"})
    records, _ = load(folder, field={"keypoints": "places"})
    assert (records.columns["keypoints"][:, :, 2] == JOINT_ROWS[:, :, 2]).all()


def test_pairs_of_one_person_are_not_built_and_that_is_said(tmp_path):
    folder = write_table(TOY, JOINT_ROWS, tmp_path / "rows")
    refused("--field identity: pairs of one person in two poses are not read", folder,
            field={"identity": "name"})  # fmt: skip


def test_names_may_be_given_and_are_needed(tmp_path):
    folder = write_table(TOY, JOINT_ROWS, tmp_path / "rows")
    (folder / "joints.json").unlink()
    refused(r"have no names.*write joints.json beside the data.*--use-options joints=", folder)
    told = "head left_hand right_hand left_foot right_foot"
    _, task = load(folder, use_options={"joints": told})
    assert task.fields["keypoints"].names == tuple(told.split())
    assert task.fields["keypoints"].pairs == ((1, 2), (3, 4))


def test_rows_for_a_generator_have_its_joints_in_its_order(tmp_path):
    folder = write_columns(TOY, JOINT_ROWS, tmp_path / "rows")
    source = open_rows(DataSettings.parse({"data": str(folder), "min_per_class": 1}))
    order = (3, 0, 4, 1, 2)
    known = Keypoints(tuple(JOINTS[k] for k in order), SIDE, SIDE)
    found = jointed(source, folder, known=known)
    assert np.allclose(found.values("keypoints", range(15)), JOINT_ROWS[:, order], atol=1e-4)
    other = Keypoints(("top", "nose"), SIDE, SIDE)
    with pytest.raises(SynthgenError, match="no columns 'nose_x' and 'nose_y'"):
        jointed(source, folder, known=other)
    lists = write_lines(TOY, JOINT_ROWS, tmp_path / "lists")
    source = open_rows(DataSettings.parse({"data": str(lists), "min_per_class": 1}))
    again = jointed(source, lists, known=known)
    assert np.allclose(again.values("keypoints", range(15)), JOINT_ROWS[:, order], atol=1e-4)
    with pytest.raises(SynthgenError, match="the generator takes top, nose: "):
        jointed(source, lists, known=other)


@pytest.mark.parametrize(
    ("left", "right"),
    [("left_knee", "right_knee"), ("LKnee", "RKnee"), ("knee.l", "knee.r"), ("Left Knee",
     "Right Knee"), ("leftKnee", "rightKnee")],
)  # fmt: skip
def test_sides_are_known_by_name(left, right):
    assert mirrored_pairs(("nose", right, left)) == ((2, 1),)
    assert limbs_of((left, left.replace("nee", "nee").replace("Knee", "Ankle").replace(
        "knee", "ankle"), right)) == ((1, 0),)  # fmt: skip


def test_names_that_only_look_like_sides_are_none():
    assert mirrored_pairs(("cleft", "cright", "leftover", "rightover", "l", "left_toe")) == ()
    body = ("right_ankle", "right_knee", "right_hip", "left_hip", "neck", "head_top")
    assert set(limbs_of(body)) == {(0, 1), (1, 2), (3, 2), (4, 5)}
    assert limbs_of(("a", "b", "")) == ()
