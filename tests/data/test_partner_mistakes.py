"""What is wrong with masks, joints and partners ends in one line that says what to do."""

import json

import numpy as np
import pytest
from partners import IMAGE, SIDE, TOY, check, read, refused, settings
from PIL import Image as Pillow
from toy_world import (
    MASK_NAMES,
    write_coco,
    write_masks,
    write_pairs,
    write_side_by_side,
)

from synthgen.data.records import load_records
from synthgen.spec.errors import SynthgenError
from synthgen.spec.maps import Mask


def test_a_mask_of_another_size_than_its_image(tmp_path):
    write_masks(TOY, tmp_path)
    Pillow.fromarray(TOY.masks[3][:, :30]).save(tmp_path / "masks" / "0003.png")
    refused(r"0003.png: column 'mask': is 30x32, and its image 32x32: give each", tmp_path, "mask")


def test_an_image_of_another_shape_than_its_partner(tmp_path):
    write_pairs(TOY, tmp_path)
    Pillow.fromarray(TOY.twins[3][:, :20]).save(tmp_path / "A" / "0003.png")
    refused(r"0003.png: column 'source': is 20x32, and its image 32x32", tmp_path, "source")
    Pillow.fromarray(TOY.twins[3].repeat(2, 0).repeat(2, 1)).save(tmp_path / "A" / "0003.png")
    assert abs(read(tmp_path, "source").columns["source"][3] - TOY.twins[3].astype(int)).max() < 60


def test_a_value_that_means_no_class(tmp_path):
    write_masks(TOY, tmp_path)
    mask = TOY.masks[5].copy()
    mask[0, 0] = 7
    Pillow.fromarray(mask).save(tmp_path / "masks" / "0005.png")
    refused(r"0005.png.* value 7 in a mask of 4 classes \(0 background.*--mask-names", tmp_path,
            "mask")  # fmt: skip
    with pytest.raises(SynthgenError, match="'triangle', which is none of the classes"):
        fields = {"image": IMAGE, "mask": Mask(MASK_NAMES[:3], SIDE, SIDE)}
        load_records(settings(tmp_path, limit_per_class=3, limit_seed=1), fields)


def _with_joints(folder, points):
    write_coco(TOY, folder)
    path = folder / "annotations.json"
    record = json.loads(path.read_text())
    wide = [np.concatenate([image, image], axis=1) for image in TOY.images]
    for row, image in enumerate(record["images"]):
        image["width"] = 2 * SIDE
        record["annotations"][row]["segmentation"] = []
        record["annotations"][row]["keypoints"] = points(row)
        Pillow.fromarray(wide[row]).save(folder / "images" / image["file_name"])
    path.write_text(json.dumps(record))


def test_joints_outside_of_their_image(tmp_path):
    _with_joints(tmp_path, lambda row: [70, 99, 2] * 5)
    refused("joint 'top' at x 70, y 99 lies outside of its image of 64x32; joints are in pixels",
            tmp_path, "keypoints")  # fmt: skip


def test_joints_with_their_axes_changed(tmp_path):
    _with_joints(tmp_path, lambda row: [10, 60, 2] * 5)
    refused("with the axes changed all joints lie inside: write x before y", tmp_path, "keypoints")
    _with_joints(tmp_path, lambda row: [40, 10, 2] * 5)
    assert (read(tmp_path, "keypoints").columns["keypoints"][0] == [24, 10, 1]).all()


def test_stems_without_a_partner(tmp_path):
    write_pairs(TOY, tmp_path)
    (tmp_path / "A" / "0003.png").unlink()
    refused(r"B/0003.png: has no partner.*11 pairs.*--on-bad-image skip.*--structure classes",
            tmp_path, "source")  # fmt: skip
    records = read(tmp_path, "source", on_bad_image="skip")
    check(records, order=[row for row in range(12) if row != 3])
    assert "left out: 1 images (of B/ without a partner)" in "\n".join(records.lines())
    for path in (tmp_path / "A").iterdir():
        path.rename(path.with_name(f"night_{path.name}"))
    refused(r"no stem is in all of 'A', 'B'|no stem is in all of A, B", tmp_path, "source")


def test_an_odd_width_is_no_pair(tmp_path):
    write_side_by_side(TOY, tmp_path)
    Pillow.fromarray(TOY.images[0][:, :31]).save(tmp_path / "0000.png")
    refused("0000.png: is 31 px wide", tmp_path, "source", structure="side-by-side")


def test_a_column_of_images_that_is_not_there(tmp_path):
    write_coco(TOY, tmp_path)
    refused("no column of images 'photo'", tmp_path, "mask", columns={"image": "photo"})


def test_damaged_annotations(tmp_path):
    write_coco(TOY, tmp_path)
    path = tmp_path / "annotations.json"
    record = json.loads(path.read_text())
    record["annotations"][2]["segmentation"]["counts"] = [2**62]
    path.write_text(json.dumps(record))
    refused("annotations of 0002.png are damaged.*32x32", tmp_path, "mask")
    record["annotations"][2]["image_id"] = "none"
    path.write_text(json.dumps(record))
    refused("annotations.json: is no file of COCO annotations", tmp_path, "mask")
